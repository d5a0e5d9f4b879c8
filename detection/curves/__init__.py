"""Light curves of sky objects, made of forced photometry and kept in the light-curve store."""
