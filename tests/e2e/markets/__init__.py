"""A seller's life on each marketplace, from an empty cabinet to returned goods, between two sandboxes."""
