"""What requests are refused for beside what the framework knows; views and keys raise them."""

from rest_framework import exceptions


class Conflict(exceptions.APIException):
    """What was asked for does not fit where the row stands."""

    status_code = 409
    default_code = "conflict"


class Stale(exceptions.APIException):
    """The row is no longer what the client has seen."""

    status_code = 412
    default_code = "stale"


class TooOften(exceptions.Throttled):
    """A request that comes too soon; ``wait`` are the seconds until another is taken."""

    def __init__(self, wait: float, words: str) -> None:
        super().__init__(None, words)  # with the seconds, the framework adds a sentence of its own
        self.wait = wait


class TooLarge(exceptions.APIException):
    """A request that is not even read."""

    status_code = 413
    default_code = "too_large"
