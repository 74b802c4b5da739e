"""The web page: what the service does, told to people, and the few things that they decide by hand."""
