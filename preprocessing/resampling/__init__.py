"""A frame on another grid, and what that does to its noise."""
