"""What can go wrong with light curves."""

from astrid.core.errors import AstridError


class LineageCircle(AstridError):
    """A dataset that would be derived from itself."""
