"""What is wrong with a table, or with what is asked of it."""

from astrid.core.errors import AstridError


class BadCrossmatch(AstridError):
    """A table that cannot be matched, with the reason.

    Attributes
    ----------
    field : str
        Which answer of the form the reason is about.
    """

    def __init__(self, message: str, field: str = "file") -> None:
        super().__init__(message)
        self.field = field
