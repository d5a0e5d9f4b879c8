"""The page on which people ask the tables."""
