"""The objects of the sandbox's base, by subject; what differs between versions stands beside each."""
