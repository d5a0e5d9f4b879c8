"""Wavelengths of filter bands, as expressions of the database.

Reference: Bessell 2005, ARA&A 43, 293, Table 1 (effective wavelength and full width at half
maximum; the primed bands of Sloan); Tonry et al. 2012, ApJ 750, 99, Table 4 (y).
"""

from django.db.models import Case, F, FloatField, Func, TextField, Value, When
from django.db.models.expressions import Combinable

# Band: centre and width, Angstrom.
BANDS = {
    "u": (3596, 570),
    "g": (4639, 1280),
    "r": (6122, 1150),
    "i": (7439, 1230),
    "z": (8896, 1070),
    "y": (9595, 830),
    "U": (3663, 650),
    "B": (4361, 890),
    "V": (5448, 840),
    "R": (6407, 1580),
    "I": (7980, 1540),
    "J": (12200, 2130),
    "H": (16300, 3070),
    "K": (21900, 3900),
}
_ANGSTROM_M = 1e-10


class _Replace(Func):
    function = "regexp_replace"
    output_field = TextField()


def band_of(path: str) -> Combinable:
    """Give the name of the band that a column of filter names means, as ``band_name`` does."""
    last_word = _Replace(F(path), Value(r"^.*[\s_.-]"), Value(""))
    unprimed = _Replace(last_word, Value("^([ugriz])[p's]$"), Value(r"\1"))
    return _Replace(unprimed, Value("^z([gri])$"), Value(r"\1"))


def wavelength(path: str, end: int) -> Combinable:
    """Give the short end (-1) or the long end (+1) of a band, metres; nothing if it is unknown."""
    known = [
        When(Known(band_of(path), Value(name)), then=Value(_end(*figures, end)))
        for name, figures in BANDS.items()
    ]
    return Case(*known, default=None, output_field=FloatField())


def _end(centre: float, width: float, end: int) -> float:
    return (centre + end * width / 2) * _ANGSTROM_M


class Known(Func):
    """Whether a name is that of a band."""

    template = "(%(expressions)s)"
    arg_joiner = " = "
    conditional = True
