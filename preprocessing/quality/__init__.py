"""How good a frame is, and whether that is good enough."""
