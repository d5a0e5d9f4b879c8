"""What happens, told as it happens: rows of the database, read out as server-sent events."""
