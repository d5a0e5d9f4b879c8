"""The photometric zero point of a frame: from known stars, else from its header."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from preprocessing.calibrated import CalibratedFrame
from preprocessing.photometry.bands import band_name
from preprocessing.photometry.growth import APERTURE, Growth, apertures
from preprocessing.photometry.magnitudes import POGSON, System, ZeroPoint, ZeroPointSource
from preprocessing.photometry.star_catalog import StarCatalog
from preprocessing.stars import Stars

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FIRST_RADIUS_FWHM, SECOND_RADIUS_FWHM = 3.0, 1.0
LEAST_SNR = 10.0
# Magnitudes of catalogues are not better than that, whatever they say.
CATALOGUE_FLOOR = 0.01
CLIP_SIGMA, MOST_TURNS = 3.0, 10
MAD_TO_SIGMA = 1.4826
# A colour term needs so many stars, over such a spread of colours (standard deviation, mag).
COLOUR_STARS, COLOUR_SPREAD = 10, 0.1
GRADIENT_STARS = 10
# Colours to correct a band with, the best one first.
COLOURS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "u": (("u", "g"), ("g", "r")),
    "g": (("g", "r"), ("g", "i"), ("B", "V")),
    "r": (("g", "r"), ("r", "i"), ("B", "V")),
    "i": (("r", "i"), ("g", "i"), ("B", "V")),
    "z": (("i", "z"), ("r", "i")),
    "y": (("z", "y"), ("i", "z")),
    "U": (("U", "B"), ("B", "V")),
    "B": (("B", "V"), ("g", "r")),
    "V": (("B", "V"), ("g", "r"), ("V", "R")),
    "R": (("V", "R"), ("B", "V"), ("g", "r"), ("r", "i")),
    "I": (("V", "I"), ("R", "I"), ("r", "i"), ("B", "V")),
    "G": (("BP", "RP"), ("g", "r")),
    "BP": (("BP", "RP"),),
    "RP": (("BP", "RP"),),
}


@dataclass(frozen=True)
class Calibration:
    """A zero point from stars, and how well they agree.

    Attributes
    ----------
    zero_point : ZeroPoint
        For a source of the colour ``pivot``.
    n_stars, n_clipped : int
        Stars that it rests on; stars left out as variable, blended or wrong.
    rms : float
        Robust scatter of one star, mag.
    colour : str
        Such as "g-r"; empty when no colour term was fitted.
    colour_term, colour_term_error, pivot : float or None
        m = zero point - 2.5 log10(ADU) + colour_term (colour - pivot).
    gradient, gradient_error : float or None
        How much the zero point differs from one side of the frame to the other, mag; None with
        fewer than 10 stars.
    """

    zero_point: ZeroPoint
    n_stars: int
    n_clipped: int
    rms: float
    colour: str = ""
    colour_term: float | None = None
    colour_term_error: float | None = None
    pivot: float | None = None
    gradient: float | None = None
    gradient_error: float | None = None

    def figures(self) -> dict[str, float | str]:
        """Give what is known, by name."""
        known = asdict(self) | asdict(self.zero_point)
        del known["zero_point"]
        return {name: value for name, value in known.items() if value not in (None, "")}


@dataclass(frozen=True)
class Sample:
    """Stars of a frame that a catalogue knows, too; all arrays (n,).

    Attributes
    ----------
    difference, error : arrays
        Catalogue's magnitude less -2.5 log10(ADU), and its error; mag.
    colour : array
        mag; NaN where it is not known.
    x, y : arrays
        Place in the frame, -1 to 1.
    colour_name : str
    """

    difference: Floats
    error: Floats
    colour: Floats
    x: Floats
    y: Floats
    colour_name: str


def from_catalog(
    frame: CalibratedFrame,
    stars: Stars,
    growth: Growth,
    catalog: StarCatalog,
    *,
    filter_band: str,
    mjd: float,
    min_stars: int,
) -> Calibration:
    """Fit the zero point of a frame to the stars that a catalogue knows.

    Parameters
    ----------
    frame : CalibratedFrame
    stars : structured array
        Of this frame, from :func:`preprocessing.stars.find_stars`; saturated ones are not in it.
    growth : Growth
        Corrects the aperture, so that fluxes are those of whole stars.
    catalog : StarCatalog
    filter_band : str
        Of the frame.
    mjd : float
        Of the exposure, for proper motion.
    min_stars : int
        Fewer cannot calibrate a frame.

    Raises
    ------
    ValueError
        If the catalogue has no magnitudes in this band, or too few stars agree.
    """
    known = catalog.magnitudes(filter_band)
    found, row = match(frame, stars, growth.fwhm, catalog, mjd)
    sample = sample_of(frame, stars[found], growth, catalog, row, filter_band)
    if sample.difference.size < min_stars:
        raise ValueError(
            f"{sample.difference.size} stars of the frame are in star catalogue {catalog.name} "
            f"with a magnitude in {filter_band} (of {stars.size} in the frame), {min_stars} are "
            "needed: check the frame's WCS, or give a catalogue of this field and depth"
        )
    return fit(sample, System(known.system), band_name(filter_band), min_stars, catalog.name)


def match(
    frame: CalibratedFrame, stars: Stars, fwhm: float, catalog: StarCatalog, mjd: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the numbers of stars and of their rows in the catalogue.

    A common offset of the WCS, up to 3 FWHM, is taken out first.
    """
    x, y = frame.wcs.all_world2pix(*catalog.at(mjd), 0, quiet=True)
    inside = np.isfinite(x) & (x > -1) & (y > -1) & (x < frame.shape[1]) & (y < frame.shape[0])
    rows = np.nonzero(inside & ~catalog.is_variable)[0]
    if not rows.size or not stars.size:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    expected = np.column_stack([x[rows], y[rows]])
    places = np.column_stack([stars["x"], stars["y"]])
    for radius in (FIRST_RADIUS_FWHM * fwhm, SECOND_RADIUS_FWHM * fwhm):
        distance, nearest = (
            np.asarray(each)
            for each in cKDTree(expected).query(places, distance_upper_bound=radius)
        )
        found = np.nonzero(np.isfinite(distance))[0]
        if found.size:
            offset = np.median(places[found] - expected[nearest[found]], axis=0)
            places = places - offset
    return brightest_each(stars, found, rows[nearest[found]])


def brightest_each(
    stars: Stars, found: NDArray[np.intp], rows: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Keep the brightest of the stars that claim one row of the catalogue."""
    order = np.argsort(-stars["flux"][found], kind="stable")
    _, first = np.unique(rows[order], return_index=True)
    kept = order[first]
    return found[kept], rows[kept]


def sample_of(
    frame: CalibratedFrame,
    stars: Stars,
    growth: Growth,
    catalog: StarCatalog,
    row: NDArray[np.intp],
    filter_band: str,
) -> Sample:
    """Measure matched stars and put them beside what the catalogue says."""
    light, light_error = next(apertures(frame, stars, [APERTURE * growth.fwhm]))
    whole = light / growth.within(APERTURE)
    known = catalog.magnitudes(filter_band)
    name, colour = colour_of(catalog, band_name(filter_band))
    value, error = known.value[row], np.nan_to_num(known.error[row])
    usable = np.isfinite(value) & (light > LEAST_SNR * light_error)
    relative = POGSON * light_error[usable] / light[usable]
    height, width = frame.shape
    return Sample(
        difference=value[usable] + 2.5 * np.log10(whole[usable]),
        error=np.sqrt(relative**2 + error[usable] ** 2 + CATALOGUE_FLOOR**2),
        colour=colour[row][usable],
        x=(2 * stars["x"][usable] + 1) / width - 1,
        y=(2 * stars["y"][usable] + 1) / height - 1,
        colour_name=name,
    )


def colour_of(catalog: StarCatalog, band: str) -> tuple[str, Floats]:
    """Give the first colour of this band's list that the catalogue knows, and its name."""
    for blue, red in COLOURS.get(band, ()):
        if blue in catalog.bands and red in catalog.bands:
            values = catalog.bands[blue].value - catalog.bands[red].value
            return f"{blue}-{red}", values
    return "", np.full(len(catalog), np.nan)


def fit(sample: Sample, system: System, band: str, min_stars: int, name: str) -> Calibration:
    """Fit zero point and colour term to a sample; what does not agree is left out."""
    coloured = np.isfinite(sample.colour)
    has_term = coloured.sum() >= max(COLOUR_STARS, coloured.size / 2)
    has_term = bool(has_term and np.std(sample.colour[coloured]) > COLOUR_SPREAD)
    used = coloured if has_term else np.ones(coloured.size, bool)
    pivot = float(np.median(sample.colour[used])) if has_term else None
    terms = [np.ones(int(used.sum()))]
    if pivot is not None:
        terms.append(sample.colour[used] - pivot)
    line = robust_line(np.stack(terms, axis=1), sample.difference[used], sample.error[used])
    if line.kept.sum() < min_stars:
        raise ValueError(
            f"{line.kept.sum()} stars of star catalogue {name} agree on a zero point, {min_stars} "
            "are needed: give a catalogue of this field and depth"
        )
    gradient = gradient_of(sample, used, line)
    return Calibration(
        zero_point=ZeroPoint(
            float(line.value[0]), float(line.error[0]), ZeroPointSource.CATALOGUE, system, band
        ),
        n_stars=int(line.kept.sum()),
        n_clipped=int((~line.kept).sum()),
        rms=line.scatter,
        colour=sample.colour_name if has_term else "",
        colour_term=float(line.value[1]) if has_term else None,
        colour_term_error=float(line.error[1]) if has_term else None,
        pivot=pivot,
        gradient=gradient[0],
        gradient_error=gradient[1],
    )


@dataclass(frozen=True)
class Linear:
    """A linear fit that leaves out what does not agree with it."""

    value: Floats
    error: Floats
    residual: Floats
    weight: Floats
    kept: Bools
    scatter: float


def robust_line(terms: Floats, values: Floats, errors: Floats) -> Linear:
    """Fit ``values`` by ``terms``, clipped at 3 sigma of errors and intrinsic scatter together.

    The intrinsic scatter is what the errors leave of the median absolute deviation.
    """
    start = np.zeros(terms.shape[1])
    start[0] = np.median(values)
    residual, kept = values - terms @ start, np.ones(values.size, bool)
    for _ in range(MOST_TURNS):
        scatter = MAD_TO_SIGMA * float(np.median(np.abs(residual - np.median(residual))))
        extra = max(0.0, scatter**2 - float(np.median(errors**2)))
        total = np.sqrt(errors**2 + extra)
        now = np.abs(residual) <= CLIP_SIGMA * np.maximum(total, 1e-6)
        if now.sum() < terms.shape[1] + 1:
            now = kept
        weight = np.where(now, 1 / total**2, 0)
        inverse = np.linalg.pinv(terms.T @ (weight[:, None] * terms))
        solution = inverse @ (terms.T @ (weight * values))
        residual = values - terms @ solution
        if (now == kept).all():
            break
        kept = now
    return Linear(solution, np.sqrt(np.diag(inverse)), residual, weight, now, scatter)


def gradient_of(sample: Sample, used: Bools, line: Linear) -> tuple[float | None, float | None]:
    """Give the slope of the residuals over the frame, from side to side, and its error."""
    if line.kept.sum() < GRADIENT_STARS:
        return None, None
    kept = line.kept
    terms = np.stack([np.ones(int(kept.sum())), sample.x[used][kept], sample.y[used][kept]], axis=1)
    weight = line.weight[kept]
    inverse = np.linalg.pinv(terms.T @ (weight[:, None] * terms))
    slope = inverse @ (terms.T @ (weight * line.residual[kept]))
    steepest = float(np.hypot(slope[1], slope[2]))
    along = slope[1:] / steepest if steepest > 0 else np.array([1.0, 0.0])
    # from -1 to 1 it is twice the slope
    return 2 * steepest, 2 * float(np.sqrt(along @ inverse[1:, 1:] @ along))
