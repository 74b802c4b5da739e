"""What a person starts: the command line, the demo, and what they print."""
