"""Measurements of what AstrID finds and what it costs; ``docs/benchmarks.md`` says how to run."""
