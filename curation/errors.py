"""What review refuses, each in one sentence."""

from astrid.core.errors import AstridError


class NotAllowed(AstridError):
    """A person who may look, but not judge."""


class UnknownLabel(AstridError):
    """A label that the taxonomy does not have, or one that contradicts the verdict."""


class NotReviewable(AstridError):
    """A detection that takes no more verdicts, or a key that belongs to another verdict."""
