"""The pages of the light-curve store."""
