"""The stamp network: is a candidate real, and what is it, from the pixels around it."""
