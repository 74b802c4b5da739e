"""Shipped to connector authors: the sandbox base, the conformance suite, and peers that misbehave."""
