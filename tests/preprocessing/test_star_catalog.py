"""Star catalogues of several makers and formats are read into one form."""

import io

import numpy as np
import pytest
from astropy.table import Table

from preprocessing.photometry.bands import band_name
from preprocessing.photometry.star_catalog import StarCatalog, chosen, read_star_catalog
from tests.shared_data import shared


def small() -> Table:
    """Give two stars, in degrees, with magnitudes in V (Vega) and r (AB)."""
    return Table(
        {
            "ra": [10.0, 359.5],
            "dec": [-5.0, 60.0],
            "Vmag": [15.0, 16.5],
            "e_Vmag": [0.01, 0.02],
            "mag_r": [14.8, np.nan],
        }
    )


def written(kind: str) -> bytes:
    """Give the small catalogue as the bytes of a file."""
    if kind.startswith("ascii"):
        text = io.StringIO()
        small().write(text, format=kind)
        return text.getvalue().encode()
    stream = io.BytesIO()
    small().write(stream, format=kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["ascii.ecsv", "ascii.csv", "fits", "votable"])
def test_a_catalogue_reads_the_same_from_every_format(kind: str) -> None:
    catalog = read_star_catalog(written(kind), "small")
    assert catalog.ra.tolist() == [10.0, 359.5]
    assert catalog.dec.tolist() == [-5.0, 60.0]
    assert catalog.magnitudes("V").value.tolist() == [15.0, 16.5]
    assert catalog.magnitudes("V").error.tolist() == [0.01, 0.02]
    assert (catalog.magnitudes("V").system, catalog.magnitudes("r").system) == ("Vega", "AB")
    assert np.isnan(catalog.magnitudes("r").value[1])


def test_a_catalogue_without_the_band_says_which_bands_it_has() -> None:
    with pytest.raises(ValueError, match=r"small has no magnitudes in filter 'i' .*it has V, r"):
        read_star_catalog(written("ascii.csv"), "small").magnitudes("i")


def test_a_single_column_mag_serves_every_band() -> None:
    catalog = read_star_catalog(b"ra,dec,mag\n1.0,2.0,15.5\n", "list")
    assert catalog.magnitudes("clear").value.tolist() == [15.5]
    assert [catalog.magnitudes(band).system for band in ("r", "V")] == ["AB", "Vega"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"lon,lat,mag\n1.0,2.0,15.5\n", "has no columns ra and dec among lon, lat, mag"),
        (b"ra,dec,mag\nnan,2.0,15.5\n", "no star with a place among 1 rows"),
        (b"SIMPLE  =                    T", "cannot be read as fits"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "cannot be read as csv"),
    ],
)
def test_what_is_no_catalogue_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_star_catalog(content, "broken")


def test_proper_motion_moves_a_star_by_its_rate_times_the_years() -> None:
    table = small()
    table["pmRA"], table["pmDE"] = [1000.0, 500.0], [-2000.0, 0.0]
    table["ref_epoch"] = [2016.0, 2016.0]
    text = io.StringIO()
    table.write(text, format="ascii.csv")
    catalog = read_star_catalog(text.getvalue().encode())
    ra, dec = catalog.at(51544.5 + 365.25 * 26)  # 2026.0
    # ten years of 1 arcsec per year along RA at Dec -5, and -2 arcsec per year in Dec
    assert (ra[0] - 10.0) * 3600 == pytest.approx(10 / np.cos(np.radians(5)), abs=1e-6)
    assert (dec[0] + 5.0) * 3600 == pytest.approx(-20.0, abs=1e-6)
    assert (ra[1] - 359.5) * 3600 == pytest.approx(5 / np.cos(np.radians(60)), abs=1e-6)


@pytest.mark.parametrize(
    ("written", "known"),
    [("r", "r"), ("R", "R"), ("r'", "r"), ("rp", "r"), ("zr", "r"), ("ZTF_g", "g"),
     ("Bessell-V", "V"), ("SDSS i", "i"), ("zs", "z"), ("z", "z"), ("clear", "clear")],
)  # fmt: skip
def test_filters_are_known_by_the_band_in_their_name(written: str, known: str) -> None:
    assert band_name(written) == known


def test_apass_gives_vega_magnitudes_in_v_and_ab_magnitudes_in_r() -> None:
    catalog = read_star_catalog(shared("catalogs/stellarphot_eyuma/all_apass_ey_uma.ecsv"))
    assert len(catalog) == 54
    assert set(catalog.bands) == {"B", "V", "g", "r", "i"}
    assert (catalog.magnitudes("V").system, catalog.magnitudes("r'").system) == ("Vega", "AB")
    assert catalog.epoch == 2000.0


def test_refcat_gives_colours_motions_and_variables() -> None:
    catalog = read_star_catalog(shared("catalogs/stellarphot_eyuma/all_refcat2_ey_uma.ecsv"))
    assert len(catalog) == 187
    assert {"g", "r", "i", "z", "G", "BP", "RP", "J", "H", "K"} == set(catalog.bands)
    assert catalog.epoch == 2015.5
    assert catalog.is_variable.sum() == 9  # dupvar is 5 or 6: double
    assert np.abs(catalog.pm_ra).max() > 10


def test_gaia_in_rubin_form_is_in_degrees_and_ab_magnitudes() -> None:
    catalog: StarCatalog = read_star_catalog(shared("catalogs/hsc1180_gaia/gaia_refCat.parquet"))
    assert len(catalog) == 10278  # of 13005 rows; the others have no place
    assert 150 < np.median(catalog.ra) < 153
    # Gaia's faint end is G = 21.5
    assert 17 < np.nanmedian(catalog.magnitudes("G").value) < 21.5
    assert len(chosen(catalog, catalog.dec > np.median(catalog.dec))) == 10278 // 2
    assert np.nanmedian(catalog.position_error) < 0.002
