import io
import json

import numpy as np
import pytest
from astropy.table import Table
from django.core.management import CommandError, call_command

from catalog.crossmatch.service import Question, ask
from catalog.exports import service as exports
from catalog.models import AuditLog
from curation.items import items_of
from curation.models import ReviewQueue, ReviewTask
from curation.objectpage.subject import Subject
from curation.objectpage.surroundings import _facts
from curation.queue import open_tasks
from detection.contextimport import take_in
from detection.known import NEAR, Spot, known_at, spot_of
from detection.models import ContextCatalog, ContextKind, ContextSource
from tests import factories
from tests.shared_data import shared

pytestmark = pytest.mark.django_db
ARCSEC = 1 / 3600


def save(folder, name, table, kind):
    path = folder / name
    table.write(path, format=kind)
    return path


@pytest.fixture
def gaia(tmp_path):
    """A subset as the archive of Gaia exports it, with rows that cannot be used."""
    table = Table(
        {
            "source_id": np.array([2**62 + 1, 7, 8, 9]),
            "ra": [150.0, 150.0, 400.0, 10.0],
            "dec": [2.0, 2.0 + 20 * ARCSEC, 2.0, np.nan],
            "phot_g_mean_mag": [15.25, np.nan, 1.0, 1.0],
        }
    )
    return save(tmp_path, "gaia.csv", table, "ascii.csv")


@pytest.fixture
def vsx(tmp_path):
    table = Table(
        {
            "Name": ["EY UMa", "far"],
            "RAJ2000": [150.0 + ARCSEC, 151.0],
            "DEJ2000": [2.0, 2.0],
            "Type": ["EW", ""],
            "Period": [0.36, np.nan],
            "max": [14.5, 12.0],
        }
    )
    return save(tmp_path, "vsx.vot", table, "votable")


@pytest.fixture
def asteroids(tmp_path):
    """An hour of an asteroid that crosses the place at MJD 60000.5, in Julian dates."""
    steps = np.linspace(-1, 1, 25)
    table = Table(
        {
            "targetname": ["433 Eros"] * 25,
            "ra": 150 + 60 * steps * ARCSEC,
            "dec": np.full(25, 2.0),
            "V": np.full(25, 17.0),
            "datetime_jd": 2_460_001.0 + steps / 24,
        }
    )
    return save(tmp_path, "eros.fits", table, "fits")


def test_files_of_each_catalogue_are_taken_in_with_what_they_know(gaia, vsx, asteroids):
    assert take_in("gaia", gaia, release="DR3").catalog.sources == 2
    take_in("vsx", vsx)
    take_in("asteroids", asteroids)
    star = ContextSource.objects.get(name=str(2**62 + 1))
    assert (star.magnitude, star.magnitude_band, star.catalog.release) == (15.25, "G", "DR3")
    faint = ContextSource.objects.get(name="7")
    assert (faint.magnitude, faint.magnitude_band, faint.mjd_utc) == (None, "", None)
    variable = ContextSource.objects.get(name="EY UMa")
    assert (variable.variable_type, variable.period_days, variable.magnitude) == ("EW", 0.36, 14.5)
    times = ContextSource.objects.filter(name="433 Eros").order_by("mjd_utc")
    # a Julian date of float64 is good to 40 microseconds
    assert times[12].mjd_utc == pytest.approx(60_000.5, abs=1e-9)
    assert ContextSource.objects.cone_search(150, 2, ARCSEC / 10).count() == 2  # star and asteroid


def test_rows_that_cannot_be_used_are_counted_and_named(gaia):
    row = take_in("gaia", gaia).catalog
    assert (row.sources, row.refused) == (2, 2)
    assert row.refusals == [
        "row 3: ra is 400.0; it must lie in 0 to 360 degrees",
        "row 4: dec is nan; it must lie in -90 to 90 degrees",
    ]


def test_a_file_is_taken_in_once_and_replaced_where_that_is_asked_for(gaia, tmp_path):
    assert take_in("gaia", gaia).is_new
    again = take_in("gaia", gaia)
    assert (again.is_new, ContextSource.objects.count()) == (False, 2)
    newer = tmp_path / "newer.csv"
    newer.write_text("source_id,ra,dec\n5,1,2\n")
    take_in("gaia", newer, replaces=True)
    assert list(ContextSource.objects.values_list("name", flat=True)) == ["5"]
    assert ContextCatalog.objects.get().file_name == "newer.csv"


def test_the_command_says_what_became_of_the_rows_and_who_ran_it(gaia, vsx):
    out = io.StringIO()
    call_command("import_context", "gaia", gaia, release="DR3", json=True, stdout=out)
    (said,) = json.loads(out.getvalue())["files"]
    assert (said["sources"], said["refused"], said["is_new"]) == (2, 2, True)
    out = io.StringIO()
    call_command("import_context", "gaia", gaia, stdout=out)
    assert "was taken in before, nothing changed" in out.getvalue()
    logged = AuditLog.objects.filter(entity_type="detection.ContextCatalog")
    assert [one.user_id.partition(":")[0] for one in logged] == ["os"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b\n1,2\n", "no columns ra and dec"),
        ("ra,dec\n400,2\n", "none of 1 rows can be used; ra is 400"),
        ("ra,dec,V\n10,2,3\n", "no time says when the asteroid was there"),
    ],
)
def test_a_file_that_is_no_such_catalogue_is_refused(tmp_path, content, words):
    path = tmp_path / "wrong.csv"
    path.write_text(content)
    with pytest.raises(CommandError, match=words):
        call_command("import_context", "asteroids", path)
    assert not ContextCatalog.objects.exists()


def test_the_nearest_of_each_kind_is_known_and_an_asteroid_only_at_its_time(gaia, vsx, asteroids):
    for name, path in (("gaia", gaia), ("vsx", vsx), ("asteroids", asteroids)):
        take_in(name, path)
    there = Spot(150.0, 2.0 + 0.5 * ARCSEC, 60_000.5)
    at_once, later, timeless, elsewhere = known_at(
        [there, Spot(150.0, 2.0, 60_001.5), Spot(150.0, 2.0), Spot(20.0, 2.0, 60_000.5)]
    )
    assert set(at_once) == {ContextKind.STAR, ContextKind.VARIABLE, ContextKind.ASTEROID}
    assert at_once["star"].separation_arcsec == pytest.approx(0.5, abs=1e-6)
    assert at_once["asteroid"].source.mjd_utc == pytest.approx(60_000.5, abs=1e-9)
    assert set(later) == set(timeless) == {ContextKind.STAR, ContextKind.VARIABLE}
    assert elsewhere == {}
    (wide,) = known_at([Spot(150.0, 2.0 + 19 * ARCSEC)], NEAR)
    assert wide["star"].source.name == "7"
    assert wide["star"].in_words == "7 1.00″ away (gaia)"


def test_what_is_known_is_that_of_brute_force_at_poles_and_across_right_ascension_0(tmp_path):
    rng = np.random.default_rng(11)
    centres = np.array([(0.0, 0.0), (359.9999, 12.0), (123.0, 90.0), (45.0, -90.0), (45.0, 41.81)])
    ra, dec = np.repeat(centres, 40, axis=0).T
    dec = np.clip(dec + rng.normal(0, 2 * ARCSEC, dec.size), -90, 90)
    wide = np.maximum(np.cos(np.radians(dec)), 1e-4)
    ra = (ra + rng.normal(0, 2 * ARCSEC, ra.size) / wide) % 360
    take_in("gaia", save(tmp_path, "g.csv", Table({"ra": ra, "dec": dec}), "ascii.csv"))
    lon, lat = np.radians(ra), np.radians(dec)
    vectors = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    for (lon0, lat0), found in zip(
        centres, known_at([Spot(*place) for place in centres]), strict=True
    ):
        a, d = np.radians(lon0), np.radians(lat0)
        here = np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
        chord = np.linalg.norm(vectors - here[:, None], axis=0)
        nearest = np.degrees(2 * np.arcsin(chord.min() / 2)) / ARCSEC
        assert (nearest <= 1.5) == ("star" in found)
        if found:
            # a chord of unit vectors is good to about 1e-16 rad, 2e-11 arcseconds
            assert found["star"].separation_arcsec == pytest.approx(nearest, abs=1e-6)


def test_reviewers_and_the_page_of_an_object_are_told(gaia, vsx):
    take_in("gaia", gaia)
    take_in("vsx", vsx)
    detection = factories.make_detection(ra=150.0, dec=2.0)
    open_tasks([detection])
    task = ReviewTask.objects.get(detection=detection).pk
    (item,) = items_of([task], ReviewQueue.objects.first())
    texts = {badge["text"] for badge in item["badges"]}
    assert {"known variable", "known star"} <= texts
    assert "known asteroid" not in texts
    (known,) = known_at([spot_of(detection)], NEAR)
    subject = Subject(
        thing=detection.sky_object, chosen=detection, strip=[detection], seen=[], is_held=False
    )
    facts = dict(_facts(subject, []))
    assert facts["Nearest catalogued star"] == known["star"].in_words
    assert facts["Nearest catalogued variable"].startswith("EY UMa EW 14.50 mag 1.00″ away")
    assert facts["Asteroid at that time"] == "none in the catalogues here"


def test_tables_are_matched_with_it_and_queries_ask_it(vsx):
    take_in("vsx", vsx, release="2026-11")
    person = factories.make_user(group="viewer")
    question = Question(target="context", radius_arcsec=2, file_format="csv")
    assert ask(person, b"ra,dec\n150,2\n", "t.csv", question).rows == 1
    out = io.BytesIO()
    query = "SELECT name, kind, variable_type, release FROM astrid.context WHERE ra < 150.5"
    exports.export(query, "csv", out)
    assert out.getvalue().decode().splitlines()[1] == "EY UMa,variable,EW,2026-11"


def test_real_files_of_vsx_and_gaia_are_taken_in():
    real = shared("catalogs")
    row = take_in("vsx", real / "stellarphot_eyuma" / "unclipped_ey_uma_vsx.fits").catalog
    assert (row.sources, row.refused) == (39, 0)
    assert ContextSource.objects.exclude(variable_type="").count() > 30
    row = take_in("gaia", real / "hsc1180_gaia" / "gaia_refCat.parquet").catalog
    # 2,727 of its 13,005 rows have no place: their columns are NaN
    assert (row.sources, row.refused) == (10_278, 2_727)
    assert "ra is nan" in row.refusals[0]
    bright = ContextSource.objects.filter(catalog=row, magnitude__lt=21).count()
    assert bright > 1000
