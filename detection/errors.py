"""What the life of a network refuses."""

from astrid.core.errors import AstridError, InvalidTransition


class NotPromotable(AstridError):
    """A network that may not come into force, or not by this person; the message says why."""


class NothingToAcknowledge(InvalidTransition):
    """An alarm that is over, or that somebody has seen to already."""
