"""What can go wrong with light curves."""

from astrid.core.errors import AstridError


class LineageCircle(AstridError):
    """A dataset that would be derived from itself."""


class BadLightCurve(AstridError):
    """A file that is no light curve, or one that contradicts itself or what is stored."""


class NotAligned(AstridError):
    """A dataset that does not fit the cadences it was to be put onto."""


class NotInstalled(AstridError):
    """A package that AstrID can use but does not bring along."""
