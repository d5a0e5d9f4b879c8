"""Light curves as missions publish them, read into plain arrays, without the database."""
