"""Cells that hold a small circle, by plain arithmetic.

On a face of HEALPix a small circle lies in a square, and a square touches at most four cells that
are as wide. To work these out takes a tenth of the time of a covering by ever smaller cells, which
a search of a few arcminutes spends in vain: there are few rows in what it saves.

Reference: Górski et al. 2005, ApJ 622, 759, section 5.1 and equations 18 and 19.
"""

import math

ORDER = 29
SIDE = 1 << ORDER  # cells along a face
# No way on the sky is longer on a face, as a share of its side per radian: 1.02 at most between the
# caps, sqrt(3/2 + (6/pi²) / (5/6)) = 1.493 in them.
STRETCH = 1.5
ROUNDING = 4  # cells: 1.6 milliarcseconds, where float8 keeps 1e-5 of them
# Cells of order 11 are 1.7' wide: even in the bulge of the galaxy they hold 800 stars.
NARROWEST = ORDER - 11
EQUATORIAL = 2 / 3  # |sin dec| up to which faces are squares in (ra, sin dec)
POLAR = 0.99  # |sin dec| from which 1 - |sin dec| has lost digits

Ranges = list[tuple[int, int]]


def square_ranges(ra: float, dec: float, radius_deg: float) -> Ranges | None:
    """Cover a circle with the one to four cells that its square touches.

    Parameters
    ----------
    ra, dec : float
        Degrees.
    radius_deg : float
        Degrees.

    Returns
    -------
    list of (first, last)
        Sorted ranges of cells of order 29; None where the square leaves its face.
    """
    face, x, y = place_on_face(math.radians(ra), math.radians(dec))
    margin = STRETCH * SIDE * math.radians(radius_deg) + ROUNDING
    left, right, low, high = (
        math.floor(end) for end in (x - margin, x + margin, y - margin, y + margin)
    )
    if min(left, low) < 0 or max(right, high) >= SIDE:
        return None
    shift = max(NARROWEST, math.ceil(2 * margin).bit_length())
    if shift > ORDER:
        return None
    columns, rows = ({start >> shift, end >> shift} for start, end in ((left, right), (low, high)))
    above = face << 2 * (ORDER - shift)
    cells = sorted(above | _spread(i) | _spread(j) << 1 for i in columns for j in rows)
    return _merged(cells, 2 * shift)


def place_on_face(lon: float, lat: float) -> tuple[int, float, float]:
    """Give the face that holds a position (radians), and where on it in cells of order 29."""
    z, turns = math.sin(lat), lon % math.tau / (math.pi / 2)
    if abs(z) <= EQUATORIAL:
        return _between_caps(z, turns)
    quarter = min(3, int(turns))
    inward = SIDE * (math.sqrt(3 * (1 - abs(z))) if abs(z) < POLAR else _near_pole(lat))
    right, left = (turns - quarter) * inward, (1 - turns + quarter) * inward
    if z > 0:
        return quarter, SIDE - left, SIDE - right
    return quarter + 8, right, left


def _near_pole(lat: float) -> float:
    """Give sqrt(3 (1 - |sin lat|)) = sqrt(6) sin(colatitude / 2) without the loss of digits."""
    return math.sqrt(6) * math.sin((math.pi / 2 - abs(lat)) / 2)


def _between_caps(z: float, turns: float) -> tuple[int, float, float]:
    falling, rising = 0.5 + turns - 0.75 * z, 0.5 + turns + 0.75 * z
    down, up = int(falling), int(rising)
    row = 1 + (down > up) - (down < up)  # of four faces: northern, equatorial, southern
    face = min(down, up) % 4 + 4 * row
    return face, SIDE * (rising - up), SIDE * (1 - falling + down)


def _spread(number: int) -> int:
    """Put a zero before every bit."""
    number = (number | number << 16) & 0x0000FFFF0000FFFF
    number = (number | number << 8) & 0x00FF00FF00FF00FF
    number = (number | number << 4) & 0x0F0F0F0F0F0F0F0F
    number = (number | number << 2) & 0x3333333333333333
    return (number | number << 1) & 0x5555555555555555


def _merged(cells: list[int], shift: int) -> Ranges:
    """Give ranges of order 29 for sorted cells; those of neighbours in number are one."""
    ranges: Ranges = []
    for cell in cells:
        first, end = cell << shift, (cell + 1 << shift) - 1
        if ranges and ranges[-1][1] + 1 == first:
            ranges[-1] = ranges[-1][0], end
        else:
            ranges.append((first, end))
    return ranges
