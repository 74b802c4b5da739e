"""Flows run by workers: processes on any number of machines, on one PostgreSQL; no flow twice at once."""
