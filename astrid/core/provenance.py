"""Which code made a result."""

import platform
from functools import cache
from importlib.metadata import version

from astrid import __version__

_LIBRARIES = ("numpy", "scipy", "astropy", "sep", "onnxruntime")


@cache
def versions() -> dict[str, str]:
    """Give the versions of AstrID, Python and the libraries that touch pixels."""
    return {
        "astrid": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
    }
