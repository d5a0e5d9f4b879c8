"""Elliptical Moffat profiles that change over the frame, integrated over pixels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# Two-point Gauss-Legendre nodes on a pixel of width 1: exact for cubics, so a profile of
# FWHM >= 2.5 px is integrated over its pixels to about 1e-3 of the peak.
NODES = (-0.5 / np.sqrt(3), 0.5 / np.sqrt(3))
# Stamps above this width are sampled once a pixel, except for a core of this width.
FINE_WIDTH = 31


@dataclass(frozen=True)
class PsfField:
    """The point spread function of one frame as a function of the position in it."""

    size: int
    fwhm: float
    beta: float
    variation: float = 0.0
    ellipticity: float = 0.0
    angle: float = 0.0  # direction of the FWHM's gradient, radians

    def shapes(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """FWHM (px) and the two ellipticity components at frame positions (px)."""
        u, v = 2 * x / self.size - 1, 2 * y / self.size - 1
        slope = 0.5 * (u * np.cos(self.angle) + v * np.sin(self.angle))
        bowl = 0.5 * (u**2 + v**2) - 1 / 3
        fwhm = self.fwhm * (1 + self.variation * (slope + bowl))
        return fwhm, self.ellipticity * (0.5 + 0.7 * u), self.ellipticity * (0.3 - 0.7 * v)

    def stamps(self, x: npt.ArrayLike, y: npt.ArrayLike, width: int) -> FloatArray:
        """Unit-flux images of point sources.

        Parameters
        ----------
        x, y : (n,) arrays
            Frame positions, px, 0-based; the stamp's middle pixel is the nearest pixel.
        width : int
            Odd width of a stamp, px.

        Returns
        -------
        (n, width, width) array
            Fraction of the flux in each pixel; what lies outside the stamp is missing.

        References
        ----------
        Moffat 1969, A&A 3, 455, eq. 7 (normalised to unit volume).
        """
        x, y = np.atleast_1d(np.asarray(x, float)), np.atleast_1d(np.asarray(y, float))
        form = quadratic_form(*self.shapes(x, y), self.beta)
        fraction = (x - np.rint(x), y - np.rint(y))
        if width <= FINE_WIDTH:
            return self._fine(form, fraction, width)
        stamps = self._sampled(form, fraction, width, (0.0, 0.0))
        edge = (width - FINE_WIDTH) // 2
        core = slice(edge, edge + FINE_WIDTH)
        stamps[:, core, core] = self._fine(form, fraction, FINE_WIDTH)
        return stamps

    def stamp(self, x: float, y: float, width: int) -> FloatArray:
        """Unit-flux image (width, width) of a point source at one frame position."""
        return np.asarray(self.stamps([x], [y], width)[0])

    def _fine(
        self, form: FloatArray, fraction: tuple[FloatArray, FloatArray], width: int
    ) -> FloatArray:
        nodes = [(i, j) for i in NODES for j in NODES]
        return np.asarray(sum(self._sampled(form, fraction, width, n) for n in nodes) / len(nodes))

    def _sampled(
        self,
        form: FloatArray,
        fraction: tuple[FloatArray, FloatArray],
        width: int,
        node: tuple[float, float],
    ) -> FloatArray:
        grid = np.arange(width) - width // 2
        dx = (grid + node[0] - fraction[0][:, None])[:, None, :]
        dy = (grid + node[1] - fraction[1][:, None])[:, :, None]
        xx, xy, yy, peak = (c[:, None, None] for c in form)
        radius = 1 + xx * dx**2 + (yy * dy + xy * dx) * dy
        np.log(radius, out=radius)
        radius *= -self.beta
        np.exp(radius, out=radius)
        radius *= peak
        return np.asarray(radius)


def quadratic_form(fwhm: FloatArray, e1: FloatArray, e2: FloatArray, beta: float) -> FloatArray:
    """Coefficients xx, xy, yy of (r/alpha)^2 in dx, dy, and the peak of the unit profile."""
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    axis_ratio = 1 - np.hypot(e1, e2)
    angle = 0.5 * np.arctan2(e2, e1)
    cos, sin = np.cos(angle), np.sin(angle)
    # along the major axis r^2 counts q, across it 1/q: the area stays that of a circle
    xx = (cos**2 * axis_ratio + sin**2 / axis_ratio) / alpha**2
    yy = (sin**2 * axis_ratio + cos**2 / axis_ratio) / alpha**2
    xy = 2 * sin * cos * (axis_ratio - 1 / axis_ratio) / alpha**2
    return np.stack([xx, xy, yy, (beta - 1) / (np.pi * alpha**2)])


def stamp_widths(flux: FloatArray, psf: PsfField, faintest: float) -> npt.NDArray[np.intp]:
    """Odd stamp widths (px) at whose edge a source of ``flux`` drops below ``faintest`` per px."""
    alpha = psf.fwhm / (2 * np.sqrt(2 ** (1 / psf.beta) - 1))
    peak = np.maximum(flux, 0) * (psf.beta - 1) / (np.pi * alpha**2)
    radius = alpha * np.maximum(peak / faintest, 1) ** (0.5 / psf.beta)
    wanted = np.searchsorted(WIDTHS, 2 * radius + 1)
    widths = np.array(WIDTHS, dtype=np.intp)
    return np.asarray(widths[np.minimum(wanted, len(WIDTHS) - 1)])


# Few classes, so that equal stamps are computed together.
WIDTHS = (21, 31, 47, 75, 121, 201, 401)


def add_stamps(
    image: npt.NDArray[np.floating], stamps: FloatArray, x: FloatArray, y: FloatArray
) -> None:
    """Add stamps (n, w, w) to ``image`` around the nearest pixels to (x, y), clipped at edges."""
    half = stamps.shape[1] // 2
    ny, nx = image.shape
    for stamp, left, low in zip(
        stamps, np.rint(x).astype(int) - half, np.rint(y).astype(int) - half, strict=True
    ):
        x0, x1 = max(left, 0), min(left + stamp.shape[1], nx)
        y0, y1 = max(low, 0), min(low + stamp.shape[0], ny)
        if x0 < x1 and y0 < y1:
            image[y0:y1, x0:x1] += stamp[y0 - low : y1 - low, x0 - left : x1 - left]


# Stamps computed at once hold at most this many pixels (32 MB of float64).
CHUNK = 4_000_000


def paint_points(
    image: FloatArray,
    psf: PsfField,
    x: FloatArray,
    y: FloatArray,
    flux: FloatArray,
    *,
    faintest: float,
) -> None:
    """Add point sources to ``image`` in place.

    Parameters
    ----------
    image : (ny, nx) array
        In the unit of ``flux`` per pixel.
    x, y, flux : (n,) arrays
        Frame positions (px) and total fluxes; a negative flux takes light away.
    faintest : float
        Surface brightness at which a stamp may end, in the unit of ``image``.
    """
    widths = stamp_widths(np.abs(flux), psf, faintest)
    for width in np.unique(widths):
        of_width = np.flatnonzero(widths == width)
        count = max(1, CHUNK // int(width) ** 2)
        for start in range(0, len(of_width), count):
            some = of_width[start : start + count]
            stamps = psf.stamps(x[some], y[some], int(width)) * flux[some, None, None]
            add_stamps(image, stamps, x[some], y[some])
