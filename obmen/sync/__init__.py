"""The engine: read (changes → outbox), deliver (outbox → system), plan, and the pure decisions between them."""
