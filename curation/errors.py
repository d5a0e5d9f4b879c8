"""What review refuses, each in one sentence; ``code`` is the same for programs."""

from collections.abc import Mapping, Sequence

from astrid.core.errors import AstridError


class ReviewError(AstridError):
    """Whatever review refuses."""

    code = "refused"


class NotAllowed(ReviewError):
    """A person who may look, but not judge."""

    code = "not_allowed"


class UnknownLabel(ReviewError):
    """A label that the taxonomy does not have, or one that contradicts the verdict."""

    code = "unknown_label"


class NotReviewable(ReviewError):
    """A detection that takes no more verdicts."""

    code = "archived"


class KeyReused(NotReviewable):
    """A client's key that belongs to another verdict."""

    code = "uuid_reused"


class LeaseLost(ReviewError):
    """A task that somebody else settled after the lease had run out."""

    code = "lease_lost"


class NotFound(ReviewError):
    """A detection, queue or verdict that does not exist, or not for this person."""

    code = "not_found"


class BadMessage(ReviewError):
    """A message that says something impossible, or nothing.

    Attributes
    ----------
    faults : mapping
        What is wrong, by the field of the message that it stands in.
    """

    code = "invalid"

    def __init__(self, faults: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(words for each in faults.values() for words in each))
        self.faults = faults
