"""How bright a count is: zero points, magnitudes, limits, star catalogues."""
