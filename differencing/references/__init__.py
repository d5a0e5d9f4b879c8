"""The baselines of the sky: choice, stacks, replacement."""
