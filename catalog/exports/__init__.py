"""Files of rows that somebody asked for: a query, written in a format of their choice."""
