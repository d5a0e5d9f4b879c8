import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse_single_table
from django.core.management import CommandError, call_command
from django.db import connection

from astrid.core import store
from astrid.core.models import RunStatus
from catalog import tasks
from catalog.exports import reading, service
from catalog.models import ExportJob
from detection.models import SkyObject
from tests import factories

pytestmark = pytest.mark.django_db

TABLE = "astrid.objects"
QUERY = (
    "SELECT object_id, designation, ra, dec, number_of_detections FROM astrid.objects ORDER BY ra"
)


@pytest.fixture
def objects():
    """Objects with what files trip over: quotes, commas, another alphabet, markup, a brace."""
    names = ["plain", 'quo"ted, with comma', "Größe é Cen", "<b>&amp;</b>", "brace } inside"]
    return [
        factories.make_sky_object(
            designation=name,
            ra=10.123456789012345 * (k + 1),
            dec=3.0 - 5.0 * k,
            number_of_detections=k,
        )
        for k, name in enumerate(names)
    ]


def exported(tmp_path, query, ending, **options):
    path = tmp_path / f"rows.{ending}"
    call_command("export", query, out=path, stderr=io.StringIO(), **options)
    return path


def expected(objects):
    return [(str(o.pk), o.designation, o.ra, o.dec, o.number_of_detections) for o in objects]


def test_csv_reads_back_to_the_last_bit(objects, tmp_path):
    with exported(tmp_path, QUERY, "csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["object_id", "designation", "ra", "dec", "number_of_detections"]
    found = [(a, b, float(c), float(d), int(e)) for a, b, c, d, e in rows]
    assert found == expected(objects)


def test_json_lines_read_back_to_the_last_bit(objects, tmp_path):
    lines = exported(tmp_path, QUERY, "jsonl").read_text().splitlines()
    assert [tuple(json.loads(line).values()) for line in lines] == expected(objects)


def test_parquet_keeps_types_units_and_meanings(objects, tmp_path):
    table = pq.read_table(exported(tmp_path, QUERY, "parquet"))
    assert list(zip(*table.to_pydict().values(), strict=True)) == expected(objects)
    about = table.schema.field("ra").metadata
    assert (about[b"unit"], about[b"ucd"]) == (b"deg", b"pos.eq.ra;meta.main")


def test_parquet_has_moments_as_moments(objects, tmp_path):
    (row,) = pq.read_table(
        exported(tmp_path, "SELECT TOP 1 first_seen FROM astrid.objects ORDER BY ra", "parquet")
    ).to_pylist()
    assert row["first_seen"] == objects[0].first_seen


def test_fits_is_a_table_that_astropy_reads(objects, tmp_path):
    path = exported(tmp_path, QUERY, "fits")
    with fits.open(path) as hdus:
        hdus.verify("exception")
        table = hdus["ROWS"]
        assert table.columns["ra"].unit == "deg"
        assert table.header["TUCD3"] == "pos.eq.ra;meta.main"
        assert table.data["ra"].tolist() == [one.ra for one in objects]
        assert table.data["number_of_detections"].tolist() == [0, 1, 2, 3, 4]
        assert table.data["designation"][1:3].tolist() == ['quo"ted, with comma', "Gr??e ? Cen"]
    assert path.stat().st_size % 2880 == 0


def test_votable_is_read_with_nothing_to_complain_of(objects, tmp_path):
    table = parse_single_table(exported(tmp_path, QUERY, "vot")).to_table(use_names_over_ids=True)
    assert [tuple(map(_plain, row)) for row in table] == expected(objects)
    assert str(table["ra"].unit) == "deg"


def test_letters_that_xml_has_no_way_to_write_do_not_break_a_votable(tmp_path):
    factories.make_sky_object(designation="bell\x07 & whistle")
    table = parse_single_table(exported(tmp_path, "astrid.objects", "vot")).to_table()
    assert list(table["designation"]) == ["bell? & whistle"]


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def test_regions_stand_where_the_objects_are(objects, tmp_path):
    lines = exported(tmp_path, QUERY, "reg").read_text().splitlines()
    assert lines[1] == "icrs"
    assert lines[2] == f'circle({objects[0].ra!r},{objects[0].dec!r},3.0") # text={{plain}}'
    assert lines[6].endswith("# text={brace ) inside}")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "fits", "vot"])
def test_nothing_found_is_a_file_without_rows(objects, tmp_path, ending):
    path = exported(tmp_path, "SELECT * FROM astrid.objects WHERE ra > 359", ending)
    assert (path.stat().st_size > 0) == (ending != "jsonl")
    if ending == "fits":
        assert len(fits.getdata(path, 1)) == 0
    if ending == "vot":
        assert len(parse_single_table(str(path)).array) == 0


def test_what_is_not_known_is_no_number(tmp_path):
    factories.make_detection(magnitude=None, flux=None)
    query = "SELECT magnitude, flux, human_label FROM astrid.detections"
    assert exported(tmp_path, query, "csv").read_text().splitlines()[1] == ",,"
    assert json.loads(exported(tmp_path, query, "jsonl").read_text())["magnitude"] is None
    assert np.isnan(fits.getdata(exported(tmp_path, query, "fits"), 1)["magnitude"][0])
    assert parse_single_table(str(exported(tmp_path, query, "vot"))).array["magnitude"].mask[0]


def test_rows_are_read_a_part_at_a_time(objects, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "PART_ROWS", 2)
    for ending in ("jsonl", "parquet", "fits", "vot"):
        path = exported(tmp_path, TABLE, ending)
        assert path.stat().st_size > 0
    assert len(parse_single_table(str(path)).array) == 5


def test_the_command_prints_rows_to_standard_output_or_figures_as_json(objects, tmp_path):
    out = io.StringIO()
    path = tmp_path / "rows.csv"
    call_command("export", TABLE, out=path, json=True, stdout=out)
    said = json.loads(out.getvalue())
    assert (said["rows"], said["format"]) == (5, "csv")
    assert said["columns"][2]["unit"] == "deg"


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("astrid.nothing", "rows.csv", "no table is called 'astrid.nothing'"),
        ("SELECT nothing FROM astrid.objects", "rows.csv", "nothing"),
        ("DELETE FROM astrid.objects", "rows.csv", "DELETE"),
        ("SELECT designation FROM astrid.objects", "rows.reg", "regions want columns ra and dec"),
        (TABLE, "rows.xlsx", "no format has the ending .xlsx"),
    ],
)
def test_what_cannot_be_written_ends_in_a_sentence_and_leaves_no_file(
    objects, tmp_path, query, name, words
):
    with pytest.raises(CommandError, match=words):
        call_command("export", query, out=tmp_path / name)
    assert list(tmp_path.glob("*rows*")) == []


class TestJobs:
    def test_a_job_ends_in_a_stored_file_that_can_be_cited(self, objects):
        job = service.ask(factories.make_user(group="viewer"), QUERY, "csv")
        tasks.export(str(job.pk))
        job.refresh_from_db()
        assert (job.status, job.rows) == (RunStatus.COMPLETED, 5)
        assert store.digest(store.get(job.file_path)) == job.sha256
        assert job.sha256 in job.provenance["citation"]
        assert job.provenance["columns"][2]["unit"] == "deg"

    def test_a_job_is_made_once(self, objects):
        job = service.ask(factories.make_user(group="viewer"), QUERY, "csv")
        tasks.export(str(job.pk))
        job.refresh_from_db()
        finished = job.completed_at
        tasks.export(str(job.pk))
        job.refresh_from_db()
        assert job.completed_at == finished
        assert not service.due().exists()

    def test_what_a_dead_worker_left_is_made_by_the_next(self, objects):
        job = service.ask(factories.make_user(group="viewer"), QUERY, "csv")
        job.start()  # and its process dies
        assert list(service.due()) == [job]
        service.work_off(job)
        job.refresh_from_db()
        assert (job.status, job.retry_count) == (RunStatus.COMPLETED, 1)

    def test_work_that_kills_every_worker_is_given_up(self, objects):
        job = service.ask(factories.make_user(group="viewer"), QUERY, "csv")
        ExportJob.objects.filter(pk=job.pk).update(status="running", retry_count=3)
        service.work_off(job)
        job.refresh_from_db()
        assert (job.status, job.error_message) == ("failed", "the worker that did this died")

    def test_a_failure_is_kept_in_words(self, objects):
        job = service.ask(factories.make_user(group="viewer"), QUERY, "csv")
        ExportJob.objects.filter(pk=job.pk).update(query={"adql": "astrid.gone"})
        service.work_off(job)
        job.refresh_from_db()
        assert job.status == "failed"
        assert "no table is called 'astrid.gone'" in job.error_message


class TestApi:
    @pytest.fixture
    def signed_in(self, client):
        client.force_login(factories.make_user(group="operator"))
        return client

    @pytest.fixture
    def made(self, signed_in, objects):
        answer = signed_in.post(
            "/api/v1/exports/", {"query": QUERY, "file_format": "jsonl"}, "application/json"
        )
        assert answer.status_code == 202, answer.content
        tasks.export(answer.json()["id"])
        return f"/api/v1/exports/{answer.json()['id']}/"

    def test_a_file_is_asked_for_made_and_fetched(self, signed_in, made):
        assert signed_in.get(made).json()["rows"] == 5
        answer = signed_in.get(f"{made}file/")
        content = b"".join(answer.streaming_content)
        assert len(content.splitlines()) == 5
        assert answer["Content-Length"] == str(len(content))
        assert answer["Content-Disposition"].endswith('.jsonl"')

    def test_a_broken_download_goes_on(self, signed_in, made):
        whole = b"".join(signed_in.get(f"{made}file/").streaming_content)
        answer = signed_in.get(f"{made}file/", headers={"Range": "bytes=100-"})
        assert answer.status_code == 206
        assert b"".join(answer.streaming_content) == whole[100:]
        assert answer["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
        beyond = signed_in.get(f"{made}file/", headers={"Range": "bytes=999999-"})
        assert (beyond.status_code, beyond.json()["status"]) == (416, 416)
        assert beyond["Content-Range"] == f"bytes */{len(whole)}"
        other = {"Range": "bytes=100-", "If-Range": '"of another file"'}
        assert signed_in.get(f"{made}file/", headers=other).status_code == 200

    def test_a_file_that_has_not_changed_is_not_sent_again(self, signed_in, made):
        etag = signed_in.get(f"{made}file/")["ETag"]
        again = signed_in.get(f"{made}file/", headers={"If-None-Match": etag})
        assert again.status_code == 304

    def test_a_lost_file_is_said_in_words(self, signed_in, made, product_files):
        (product_files / ExportJob.objects.get().file_path).unlink()
        answer = signed_in.get(f"{made}file/")
        assert answer.status_code == 404
        assert "ask for it again" in answer.json()["detail"]

    def test_a_file_that_is_not_made_yet_is_not_there(self, signed_in, objects):
        job = service.ask(factories.make_user(group="operator"), QUERY, "csv")
        assert "pending" in signed_in.get(f"/api/v1/exports/{job.pk}/file/").json()["detail"]

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("astrid.nothing", "astrid.nothing"),
            ("SELECT nothing FROM astrid.objects", "no column is called 'nothing'"),
            ("DELETE FROM astrid.objects", "Only SELECT queries"),
            ("SELECT 1 FROM astrid.objects; SELECT 2", "near 'SELECT 2'"),
            ("SELECT ra FROM auth_user", "no table is called 'auth_user'"),
            ("SELECT 1/0 AS x FROM astrid.objects", "division by zero"),
        ],
    )
    def test_a_wrong_query_is_refused_at_once(self, signed_in, query, words):
        answer = signed_in.post("/api/v1/exports/", {"query": query}, "application/json")
        assert answer.status_code == 400
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == "#/query"
        assert words in fault["detail"]
        assert not ExportJob.objects.exists()


def test_a_person_exports_what_that_person_may_see(objects):
    nobody = factories.make_user()
    with pytest.raises(service.BadExport, match="for people who are signed in and may see it"):
        service.ask(nobody, "astrid.detections", "csv")
    job = service.ask(nobody, TABLE, "csv")
    service.work_off(job)
    job.refresh_from_db()
    assert job.rows == 0  # none of them is published


@pytest.mark.django_db(transaction=True)
def test_a_file_is_the_archive_at_one_moment(tmp_path, monkeypatch):
    factories.make_sky_object(designation="first")
    counted = reading.QueriedRows.number_and_widths

    def then_another_is_found(rows):
        found = counted(rows)
        with ThreadPoolExecutor(1) as elsewhere:  # over a connection of its own
            elsewhere.submit(add_object).result()
        return found

    monkeypatch.setattr(reading.QueriedRows, "number_and_widths", then_another_is_found)
    path = exported(tmp_path, TABLE, "fits")
    assert fits.getdata(path, 1)["designation"].tolist() == ["first"]
    assert SkyObject.objects.count() == 2


def add_object():
    try:
        factories.make_sky_object(designation="a later one")
    finally:
        connection.close()


def test_fits_that_would_not_hold_what_its_header_says_is_not_written(
    objects, tmp_path, monkeypatch
):
    counted = reading.QueriedRows.number_and_widths
    monkeypatch.setattr(
        reading.QueriedRows, "number_and_widths", lambda rows: (4, counted(rows)[1])
    )
    with pytest.raises(CommandError, match="4 rows became 5 while they were written"):
        exported(tmp_path, TABLE, "fits")
    assert list(tmp_path.glob("*rows*")) == []


class TestAdmin:
    ADD = "/admin/catalog/exportjob/add/"

    def test_a_file_is_asked_for_by_a_form_and_fetched_by_a_link(self, admin_client, objects):
        answer = admin_client.post(self.ADD, {"adql": QUERY, "file_format": "csv"}, follow=True)
        assert answer.status_code == 200
        job = ExportJob.objects.get()
        tasks.export(str(job.pk))
        page = admin_client.get(f"/admin/catalog/exportjob/{job.pk}/change/").content.decode()
        assert f'href="/api/v1/exports/{job.pk}/file/"' in page
        assert b"".join(admin_client.get(f"/api/v1/exports/{job.pk}/file/")).count(b"\n") == 6

    def test_a_wrong_query_is_said_beside_it(self, admin_client):
        page = admin_client.post(self.ADD, {"adql": "astrid.nothing", "file_format": "csv"})
        assert "no table is called" in page.content.decode()
        assert not ExportJob.objects.exists()
