"""What a query may be told."""


class AdqlError(ValueError):
    """A query that cannot be answered; the message says what is wrong and where."""
