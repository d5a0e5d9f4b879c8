"""The PSF of a frame, the stars it is measured from, and how two frames match."""
