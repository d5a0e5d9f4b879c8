"""What callers of the Virtual Observatory services are told."""

from astrid.core.errors import AstridError


class VoError(AstridError):
    """A request that cannot be answered; ``status`` is that of HTTP."""

    status = 400


class BadQuery(VoError):
    """A query that has no answer."""


class BadValue(VoError):
    """A parameter whose value cannot be."""


class TooLong(VoError):
    """A query that took longer than it may."""

    status = 408


class TooLarge(VoError):
    """A request of more bytes than are read."""

    status = 413


class WrongType(VoError):
    """A content type or format that is not served."""

    status = 415


class NotSeen(VoError):
    """Something that is for people who may see it."""

    status = 403


class NotSignedIn(VoError):
    """Something for which one must sign in."""

    status = 401


class NotFound(VoError):
    """Something that there is not."""

    status = 404
