"""What is said of a method before it runs."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Method:
    """A program that subtracts images.

    Attributes
    ----------
    title : str
        As in tables.
    given : str
        What it is given besides the two images, and so is spared.
    makes : str
        What its time buys.
    settings : str
        Those that differ from its defaults.
    install : str
        How to get it.
    python : str
        Whose interpreter runs it: the project's ``own``, or that of the ``peers``.
    largest_px : int
        Wider frames take too much memory or time.
    """

    title: str
    given: str
    makes: str
    settings: str
    install: str
    python: Literal["own", "peers"]
    largest_px: int = 4096
