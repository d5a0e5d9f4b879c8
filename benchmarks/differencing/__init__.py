"""Subtraction of this project and of its peers, on one set of pairs and by one scorer."""
