import io
from contextlib import closing
from threading import Thread

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse_single_table
from astropy.table import MaskedColumn, Table
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from astrid.core import store
from astrid.core.models import RunStatus
from astrid.core.sky import separation_deg
from catalog import tasks
from catalog.crossmatch import matching, service
from catalog.crossmatch.errors import BadCrossmatch
from catalog.crossmatch.sent import read
from catalog.crossmatch.service import Question, ask
from catalog.models import CatalogEntry, CrossmatchJob, PublicationState
from detection.models import SkyObject
from tests.factories import make_sky_object, make_user

pytestmark = pytest.mark.django_db
ARCSEC = 1 / 3600
# Where sky searches go wrong: the poles, right ascension 0, a corner of three HEALPix cells.
CENTRES = [(0.0, 0.0), (359.9999, 12.0), (123.0, 90.0), (45.0, -90.0), (45.0, 41.81)]


def around(rng, number, spread_arcsec):
    """Give places near the centres, and the same number all over the sky."""
    ra, dec = np.repeat(np.transpose(CENTRES), number, axis=1)
    step = rng.normal(0, spread_arcsec * ARCSEC, (2, ra.size))
    ra = (ra + step[0] / np.maximum(np.cos(np.radians(dec)), 1e-3)) % 360
    far = rng.uniform(0, 360, ra.size), np.degrees(np.arcsin(rng.uniform(-1, 1, ra.size)))
    dec = dec + step[1]
    # over a pole and down again: what stopped there would be equally far from others
    dec = np.sign(dec) * (90 - np.abs(90 - np.abs(dec)))
    return np.concatenate([ra, far[0]]), np.concatenate([dec, far[1]])


@pytest.fixture
def objects():
    ra, dec = around(np.random.default_rng(3), 30, 8)
    columns = {"ra": ra, "dec": dec, "designation": [f"thing {n}" for n in range(len(ra))]}
    now = np.array(["2026-01-01"] * len(ra), "M8[us]")
    SkyObject.objects.copy_columns(columns | {"first_seen": now, "last_seen": now})
    return list(SkyObject.objects.all())


@pytest.fixture
def person():
    return make_user(group="viewer")


def written(table, kind):
    if kind == "parquet":  # as any program writes it, not as astropy alone reads it
        out = io.BytesIO()
        arrays = [pa.array(table[name].tolist()) for name in table.colnames]
        pq.write_table(pa.table(arrays, names=table.colnames), out)
        return out.getvalue()
    stream = io.StringIO() if kind.startswith("ascii") else io.BytesIO()
    table.write(stream, format=kind)
    content = stream.getvalue()
    return content.encode() if isinstance(content, str) else content


def answer_of(job):
    return parse_single_table(io.BytesIO(store.get(job.file_path))).to_table(
        use_names_over_ids=True
    )


@pytest.mark.parametrize("is_best", [True, False])
def test_matches_are_those_of_brute_force(objects, person, is_best, monkeypatch):
    monkeypatch.setattr(matching, "PIECE", 37)  # several pieces, one answer
    monkeypatch.setattr(matching, "FETCHED", 11)
    ra, dec = around(np.random.default_rng(4), 20, 8)
    content = written(Table({"ra": ra, "dec": dec, "n": np.arange(len(ra))}), "ascii.csv")
    job = ask(
        person, content, "a.csv", Question(target="objects", radius_arcsec=9, is_best=is_best)
    )
    there = np.array([(one.ra, one.dec) for one in objects])
    apart = separation_deg(ra[:, None], dec[:, None], there[:, 0], there[:, 1]) / ARCSEC
    expected = {
        (k, str(objects[j].pk))
        for k in range(len(ra))
        for j in np.flatnonzero(apart[k] <= 9)
        if not is_best or j == np.argmin(apart[k])
    }
    answer = answer_of(job)
    found = list(zip(answer["n"].tolist(), answer["object_id"].tolist(), strict=True))
    assert set(found) == expected
    assert len(found) == len(expected) == job.rows > 50
    by_key = {str(one.pk): number for number, one in enumerate(objects)}
    true = [apart[k, by_key[key]] for k, key in found]
    # the chord between unit vectors carries rounding of about 1e-16 rad each: 1e-10 arcsec
    assert answer["separation_arcsec"].tolist() == pytest.approx(true, abs=1e-7)
    assert answer["n"].tolist() == sorted(answer["n"].tolist())


@pytest.mark.parametrize("kind", ["ascii.csv", "ascii.ecsv", "votable", "fits", "parquet"])
def test_tables_of_every_format_keep_their_columns(person, kind):
    make_sky_object(ra=10.0, dec=-5.0, designation="AstrID J004000.00-050000.0")
    star = MaskedColumn(["é", "b"], mask=[False, True]) if kind not in ("fits",) else ["a", "b"]
    table = Table({"star": star, "RAJ2000": [10.0, 200.0], "DEJ2000": [-5.0 + ARCSEC, 5.0],
                   "mag": [17.5, np.nan]})  # fmt: skip
    job = ask(person, written(table, kind), "t", Question(target="objects", radius_arcsec=2))
    (row,) = answer_of(job)
    assert (job.ra_column, job.dec_column, job.rows, job.positions) == ("RAJ2000", "DEJ2000", 1, 2)
    assert (row["star"], row["mag"]) == (table["star"][0], 17.5)
    assert row["designation"] == "AstrID J004000.00-050000.0"
    assert row["separation_arcsec"] == pytest.approx(1.0, abs=1e-7)


def test_positions_are_found_by_ucd_before_their_names():
    table = Table({"ra": [1.0], "dec": [2.0], "alpha": [3.0], "delta": [4.0]})
    table["alpha"].meta["ucd"], table["delta"].meta["ucd"] = "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN"
    sent = read(written(table, "votable"), "t.vot")
    assert (sent.ra_column, sent.dec_column) == ("alpha", "delta")
    sent = read(written(table, "votable"), "t.vot", "ra", "dec")
    assert (sent.ra.tolist(), sent.dec.tolist()) == ([1.0], [2.0])


def test_rows_without_a_place_are_counted_and_matched_with_nothing(objects, person):
    first = objects[0]
    lines = f"ra,dec\n{first.ra},{first.dec}\n400,0\n,3\n10,nan\n"
    job = ask(person, lines.encode(), "t.csv", Question(target="objects", radius_arcsec=1))
    assert (job.positions, job.positions_missing, job.rows) == (4, 3, 1)


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet", "fits", "ds9"])
def test_answers_are_written_in_the_format_that_is_asked_for(objects, person, file_format):
    one = objects[7]
    question = Question(target="objects", radius_arcsec=1, file_format=file_format)
    sent = Table({"ra": [one.ra], "dec": [one.dec], "ok": [True]})
    job = ask(person, written(sent, "ascii.ecsv"), "t.ecsv", question)
    content = store.get(job.file_path)
    if file_format == "csv":
        table = Table.read(content.decode(), format="ascii.csv")
        assert (table["ok"][0], table["designation"][0]) == ("true", one.designation)
    elif file_format in ("parquet", "fits"):
        table = read(content, "again").table
        assert (table["object_id"][0], table["ok"][0]) == (str(one.pk), True)
        assert table["separation_arcsec"].unit == "arcsec"
    else:
        assert one.designation in content.decode()


def test_nobody_matches_with_what_they_may_not_see(objects):
    guest = make_user(group="guest")
    entries = [
        CatalogEntry.objects.create(
            sky_object=one, designation=one.designation, object_class="variable", posterior=1,
            ra=80.0, dec=10.0 + number * ARCSEC, publication_state=state,
        )
        for number, (one, state) in enumerate(zip(objects, PublicationState, strict=False))
    ]  # fmt: skip
    content = f"ra,dec\n80,{10 - ARCSEC / 2}\n".encode()
    job = ask(guest, content, "t.csv", Question(target="entries", radius_arcsec=5, is_best=False))
    assert answer_of(job)["entry_id"].tolist() == [str(entries[1].pk)], "the published one"
    with pytest.raises(BadCrossmatch, match="you may not see detections"):
        ask(guest, content, "t.csv", Question(target="detections", radius_arcsec=5))


@pytest.mark.parametrize(
    ("content", "question", "words", "field"),
    [
        (b"x,y\n1,2\n", {}, "no columns of positions are known among x, y", "ra_column"),
        (b"x,y\n1,2\n", {"ra_column": "a"}, "no column 'a'; it has x, y", "ra_column"),
        (b"ra,dec\n1,2\n", {"radius_arcsec": -1.0}, "radius is -1.0", "radius"),
        (b"ra,dec\n1,2\n", {"radius_arcsec": float("nan")}, "radius is nan", "radius"),
        (b"ra,dec\n1,2\n", {"radius_arcsec": 301.0}, "up to 300 arcseconds", "radius"),
        (b"ra,dec\n400,2\n", {}, "no row has a place", "file"),
        (b"ra,dec\n10:00:00,2\n", {}, "no angle in degrees: it holds '10:00:00'", "file"),
        (b"ra,dec\n", {}, "the table has 0 rows", "file"),
        (b"SIMPLE  =   nonsense", {}, "cannot be read as fits", "file"),
        (b"\xff\xfe\x00", {}, "cannot be read as csv", "file"),
        (b"<VOTABLE><a></VOTABLE>", {}, "cannot be read as votable", "file"),
    ],
)
def test_what_cannot_be_matched_is_refused_with_the_reason(person, content, question, words, field):
    asked = Question(**{"target": "objects", "radius_arcsec": 1.0} | question)
    with pytest.raises(BadCrossmatch, match=words) as caught:
        ask(person, content, "t", asked)
    assert caught.value.field == field
    assert not CrossmatchJob.objects.exists()


def test_too_large_tables_and_too_many_matches_are_refused(objects, person, monkeypatch):
    one = objects[0]
    content = f"ra,dec\n{one.ra},{one.dec}\n{one.ra},{one.dec}\n".encode()
    monkeypatch.setattr(matching, "MOST_MATCHES", 1)
    with pytest.raises(BadCrossmatch, match="pairs within the radius; at most 1 are given"):
        ask(person, content, "t.csv", Question(target="objects", radius_arcsec=60))
    job = CrossmatchJob.objects.get()
    assert (job.status, "ask for a smaller radius" in job.error_message) == (RunStatus.FAILED, True)
    monkeypatch.setattr("catalog.crossmatch.sent.MOST_ROWS", 1)
    with pytest.raises(BadCrossmatch, match="2 rows; 1 to 1 are taken"):
        ask(person, content, "t.csv", Question(target="objects", radius_arcsec=1))


@pytest.mark.django_db(transaction=True)
def test_a_table_that_is_matched_while_its_sender_waits_is_nobody_elses(
    objects, person, monkeypatch
):
    kept = service.matched

    def come_by():
        with closing(connection):
            for job in service.due():
                service.work_off(job)

    def matched(*args, **options):
        worker = Thread(target=come_by)
        worker.start()
        worker.join()
        return kept(*args, **options)

    monkeypatch.setattr(service, "matched", matched)
    job = ask(person, b"ra,dec\n1,2\n", "t.csv", Question(target="objects", radius_arcsec=1))
    job.refresh_from_db()
    assert (job.status, job.error_message) == (RunStatus.COMPLETED, None)


def test_a_large_table_is_matched_by_a_worker_that_says_how_far_it_is(objects, person, monkeypatch):
    monkeypatch.setattr(service, "AT_ONCE", 3)
    monkeypatch.setattr(matching, "PIECE", 2)
    lines = "\n".join(f"{one.ra},{one.dec}" for one in objects[:5])
    job = ask(person, f"ra,dec\n{lines}\n".encode(), "t.csv",
              Question(target="objects", radius_arcsec=0.001))  # fmt: skip
    assert (job.status, job.file_path, list(service.due())) == (RunStatus.PENDING, "", [job])
    said = []
    kept = service.matched
    monkeypatch.setattr(
        service,
        "matched",
        lambda *args, progress, **options: kept(
            *args, progress=lambda done: (progress(done), said.append(done)), **options
        ),
    )
    tasks.crossmatch(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.rows, job.positions_done) == (RunStatus.COMPLETED, 5, 5)
    assert said == [2, 4, 5]
    assert not service.due()


def test_the_api_takes_a_table_and_gives_the_answer_to_its_owner_alone(client, objects, person):
    one = objects[0]
    client.force_login(person)
    given = {"file": SimpleUploadedFile("t.csv", f"ra,dec\n{one.ra},{one.dec}\n".encode()),
             "target": "objects", "radius": 0.5, "file_format": "csv"}  # fmt: skip
    answer = client.post("/api/v1/crossmatches/", given)
    assert answer.status_code == 201
    address = f"/api/v1/crossmatches/{answer.json()['id']}/"
    file = client.get(address + "file/")
    assert one.designation in file.getvalue().decode()
    given["file"] = SimpleUploadedFile("t.csv", b"x,y\n1,2\n")
    refused = client.post("/api/v1/crossmatches/", given)
    assert (refused.status_code, "no columns of positions" in refused.content.decode()) == (
        400,
        True,
    )
    client.force_login(make_user(group="viewer"))
    assert client.get(address).status_code == 404
    assert client.get(address + "file/").status_code == 404


def test_the_page_matches_a_table_and_says_what_is_wrong_beside_the_field(client, objects, person):
    one = objects[0]
    client.force_login(person)
    given = {"target": "objects", "radius": 1, "best": "on", "file_format": "csv"}
    sent = SimpleUploadedFile("stars.csv", f"ra,dec\n{one.ra},{one.dec}\n".encode())
    page = client.post("/console/catalog/crossmatch/", given | {"file": sent}, follow=True)
    job = CrossmatchJob.objects.get()
    assert "stars.csv: 1 matches." in page.content.decode()
    assert f"/api/v1/crossmatches/{job.pk}/file/" in page.content.decode()
    wrong = SimpleUploadedFile("stars.csv", b"x,y\n1,2\n")
    page = client.post("/console/catalog/crossmatch/", given | {"file": wrong, "radius": 1})
    assert page.status_code == 400
    assert page.context["form"].errors.keys() == {"ra_column"}
    client.force_login(make_user())
    assert client.get("/console/catalog/crossmatch/").status_code == 403
