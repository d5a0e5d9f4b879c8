"""Other ways to subtract: a fitted kernel, and HOTPANTS."""
