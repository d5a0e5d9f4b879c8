"""The level and the noise of the sky over a frame."""
