"""Errors every app may raise; the API and the tasks translate these, and only these."""


class AstridError(Exception):
    """Something AstrID can explain in one sentence; trying again will not help."""


class InvalidTransition(AstridError):
    """A status change that the state machine forbids, or that another worker won."""


class BadImage(AstridError):
    """Pixels that cannot be processed: not FITS, truncated, all masked, no position."""


class Unstated(BadImage):
    """A file that can be read once somebody states what it does not; ``topic`` says what.

    How it is stated depends on who reads the file, so the advice is added there.
    """

    def __init__(self, problem: str, topic: str) -> None:
        super().__init__(problem)
        self.topic = topic


class SetAside(BadImage):
    """A frame whose quality is beyond the limits; an operator may accept it all the same."""


class BadParameters(AstridError):
    """A setting or rule that cannot be used; the message names the key and what is allowed."""


class MissingFile(AstridError):
    """A stored file that is not where its row says."""


class CorruptFile(AstridError):
    """A stored file whose content is not what was written."""


class NoReference(AstridError):
    """No reference image covers the observation."""


class BadWeights(AstridError):
    """Network weights that are missing, altered, or made for another architecture."""
