"""Light curves as files, and many of them in one stream."""
