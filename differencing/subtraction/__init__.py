"""Proper image subtraction: the fast path from two calibrated frames to maps."""
