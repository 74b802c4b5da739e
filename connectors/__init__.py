"""Connectors that come with Obmen, one folder a system, named as its users name it."""
