"""One deep image from many frames."""
