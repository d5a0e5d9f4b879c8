"""Where the pixels of a frame lie: registration, star patterns, WCS against a catalogue."""
