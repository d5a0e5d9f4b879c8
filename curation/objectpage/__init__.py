"""The page about one object: all its epochs, and what was made and said of them."""
