"""The demonstration: invented goods, and the story that shows what Obmen does with them."""
