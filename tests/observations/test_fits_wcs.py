"""Every kind of WCS in use, against its formula and against astropy."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import pixel_to_skycoord

from astrid.core.errors import BadImage
from observations.fits_blocks import Hdu, quiet_astropy
from observations.fits_wcs import celestial_wcs
from tests.shared_data import shared

SHAPE = (400, 600)
CRPIX = np.array([290.5, 210.0])
CRVAL = (150.0, 40.0)
CD = np.array([[-1.1e-4, 2e-6], [3e-6, 1.05e-4]])
X, Y = (side.ravel() for side in np.meshgrid(np.arange(0, 600, 50.0), np.arange(0, 400, 50.0)))


def header(**changes):
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "RADESYS": "ICRS"}
    cards |= dict(zip(("CRVAL1", "CRVAL2"), CRVAL, strict=True))
    cards |= dict(zip(("CRPIX1", "CRPIX2"), CRPIX, strict=True))
    cards |= {f"CD{i + 1}_{j + 1}": CD[i, j] for i in (0, 1) for j in (0, 1)}
    cards |= changes
    return fits.Header({name: value for name, value in cards.items() if value is not None})


def read(cards, shape=SHAPE):
    """The WCS that the reader makes of a header."""
    return celestial_wcs(Hdu("frame.fits", 0, cards, 0, 0, 0), cards, shape)


def deprojected(plane, pole=CRVAL):
    """Sky of points (2, n) of a tangent plane, degrees (Calabretta & Greisen 2002, section 2)."""
    x, y = np.radians(plane)
    ra, dec = np.radians(pole)
    down = np.cos(dec) - y * np.sin(dec)
    longitude = ra + np.arctan2(x, down)
    return SkyCoord(
        longitude,
        np.arctan((np.sin(dec) + y * np.cos(dec)) * np.cos(longitude - ra) / down),
        unit="rad",
    )


def offset(crpix=CRPIX, x=X, y=Y):
    """0-based pixels from the reference pixel, (2, n)."""
    return np.array([x + 1 - crpix[0], y + 1 - crpix[1]])


def sip(cards, name, u, v):
    """Shupe et al. 2005, eq. 2."""
    order = cards[f"{name}_ORDER"]
    powers = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
    return sum(cards.get(f"{name}_{i}_{j}", 0.0) * u**i * v**j for i, j in powers)


def tpv(cards, axis, x, y):
    """The TPV convention: Calabretta et al. 2004 (draft), as SCAMP writes it."""
    if axis == 2:
        x, y = y, x
    r = np.hypot(x, y)
    terms = [r**0, x, y, r, x**2, x * y, y**2, x**3, x**2 * y, x * y**2, y**3, r**3]
    default = [0.0, 1.0] + [0.0] * 10
    return sum(cards.get(f"PV{axis}_{k}", default[k]) * terms[k] for k in range(12))


def miss_mas(wcs, sky, x=X, y=Y):
    return pixel_to_skycoord(x, y, wcs, origin=0).separation(sky.transform_to("icrs")).mas.max()


A = {"A_ORDER": 3, "A_2_0": 2e-6, "A_1_1": -1e-6, "A_0_3": 3e-9}
B = {"B_ORDER": 2, "B_0_2": -3e-6, "B_1_1": 2e-6}
PV = {"PV1_0": 1e-4, "PV1_1": 1.01, "PV1_2": 0.002, "PV1_4": 0.3, "PV1_7": -2.0, "PV1_11": 1.0}
NAMED_SIP = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}
PV |= {"PV2_0": -2e-4, "PV2_1": 0.99, "PV2_5": 0.2, "PV2_10": 3.0}


def test_tan_is_read_rightly():
    assert miss_mas(read(header()), deprojected(CD @ offset())) < 1e-3


@pytest.mark.parametrize("suffix", ["-SIP", ""])
def test_sip_is_read_rightly_also_where_ctype_does_not_name_it(suffix):
    cards = header(CTYPE1="RA---TAN" + suffix, CTYPE2="DEC--TAN" + suffix, **A, **B)
    u, v = offset()
    bent = CD @ [u + sip(cards, "A", u, v), v + sip(cards, "B", u, v)]
    assert miss_mas(read(cards), deprojected(bent)) < 1e-3


@pytest.mark.parametrize("projection", ["TPV", "TAN"])
def test_tpv_is_read_rightly_also_where_it_is_called_tan(projection):
    cards = header(CTYPE1="RA---" + projection, CTYPE2="DEC--" + projection, **PV)
    x, y = CD @ offset()
    bent = np.array([tpv(cards, axis, x, y) for axis in (1, 2)])
    assert miss_mas(read(cards), deprojected(bent)) < 1e-3


def test_pv_beside_sip_is_left_to_sip():
    with_pv = read(header(**NAMED_SIP, **A, **B, **PV))
    without = read(header(**NAMED_SIP, **A, **B))
    # surveys that turn SCAMP's solution into SIP leave its PV cards where they were
    assert miss_mas(with_pv, pixel_to_skycoord(X, Y, without, origin=0)) < 1e-3


def test_zpn_is_read_rightly():
    cards = header(CTYPE1="RA---ZPN", CTYPE2="DEC--ZPN", PV2_1=1.0, PV2_3=40.0, PV2_5=900.0)
    sky = pixel_to_skycoord(X, Y, read(cards), origin=0)
    z = sky.separation(SkyCoord(*CRVAL, unit="deg")).rad
    radius = np.degrees(z + 40.0 * z**3 + 900.0 * z**5)
    assert radius == pytest.approx(np.hypot(*(CD @ offset())), abs=1e-9)


@pytest.mark.parametrize(
    "scale",
    [
        {"PC1_1": -1.0, "PC1_2": 0.1, "PC2_1": 0.1, "PC2_2": 1.0, "CDELT1": 1e-4, "CDELT2": 1e-4},
        {"CDELT1": -1e-4, "CDELT2": 1e-4, "CROTA2": 30.0},
    ],
    ids=["PC", "CROTA2"],
)
def test_a_scale_without_cd_is_read_rightly(scale):
    none = {f"CD{i}_{j}": None for i in (1, 2) for j in (1, 2)}
    cards = header(**none, **scale)
    delta = np.diag([cards["CDELT1"], cards["CDELT2"]])
    turn = np.radians(cards.get("CROTA2", 0.0))
    # Calabretta & Greisen 2002, eq. 189: the old rotation follows the scaling
    cd = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ delta
    if "PC1_1" in cards:
        cd = delta @ np.array([[cards[f"PC{i}_{j}"] for j in (1, 2)] for i in (1, 2)])
    assert miss_mas(read(cards), deprojected(cd @ offset())) < 1e-3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"PC1_1": -2e-4, "PC2_2": 2e-4, "CDELT1": 1.0, "CDELT2": 1.0},
            r"CD1_1: and the matrix \(-0\.00011, 2e-06, .*contradict PC times CDELT, \(-0\.0002,",
        ),
        ({"CRVAL2": 97.5}, r"CRVAL2: is 97\.5 deg, beyond the pole"),
        (
            NAMED_SIP | A | B | {"A_2_0": 4e-3},
            r"pixels from -?[\d.]+ to -?[\d.]+ square arcsec within the frame",
        ),
        (
            {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", **PV, "PV1_4": 60.0},
            r"pixels from -?[\d.]+ to -?[\d.]+ square arcsec within the frame",
        ),
    ],
    ids=["two matrices", "beyond the pole", "SIP folds", "TPV folds"],
)
def test_a_header_that_contradicts_itself_is_refused_with_its_numbers(changes, message):
    with pytest.raises(BadImage, match=message):
        read(header(**changes))


def test_two_matrices_that_agree_are_read():
    pc = {f"PC{i + 1}_{j + 1}": CD[i, j] for i in (0, 1) for j in (0, 1)}
    wcs = read(header(**pc, CDELT1=1.0, CDELT2=1.0))
    assert miss_mas(wcs, deprojected(CD @ offset())) < 1e-3


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("images/raw_misc/sip-wcs.fit", 0),
        ("images/sep_sample/center_cutout_1.fits", 0),
        ("images/panoptes_pair/solved.fits.fz", 1),
        ("images/decam_i_2epoch_transient/DEC-OBS04a.mini.fits", 0),
    ],
)
def test_real_solutions_are_read_as_their_formula_says(path, unit):
    with fits.open(shared(path)) as units:
        cards = units[unit].header
        shape = units[unit].shape
    x, y = (side.ravel() for side in np.meshgrid(*(np.linspace(0, n - 1, 9) for n in shape[::-1])))
    names = "CD" if "CD1_1" in cards else "PC"
    cd = np.array([[cards[f"{names}{i}_{j}"] for j in (1, 2)] for i in (1, 2)])
    u, v = offset((cards["CRPIX1"], cards["CRPIX2"]), x, y)
    if "A_ORDER" in cards:
        u, v = u + sip(cards, "A", u, v), v + sip(cards, "B", u, v)
    plane = cd @ [u, v]
    if "TPV" in cards["CTYPE1"]:
        plane = np.array([tpv(cards, axis, *plane) for axis in (1, 2)])
    with quiet_astropy():
        theirs = WCS(cards)
    frame = theirs.wcs.radesys.lower() or "icrs"
    sky = deprojected(plane, (cards["CRVAL1"], cards["CRVAL2"]))
    sky = SkyCoord(sky.ra, sky.dec, frame=frame)
    assert miss_mas(read(cards, shape), sky, x, y) < 1e-2
    assert miss_mas(theirs, sky, x, y) < 1e-2
