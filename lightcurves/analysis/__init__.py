"""What can be learned from a light curve: arrays in, arrays and figures out."""
