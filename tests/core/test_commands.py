"""Commands called with words, and commands that cannot go on: a sentence each."""

import argparse
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection

from astrid.core.commands import AstridCommand, in_sentences


def even(text):
    if int(text) % 2:
        raise argparse.ArgumentTypeError(f"{text} is odd")
    return int(text)


class Told(AstridCommand):
    """Keeps what it is told."""

    def add_arguments(self, parser):
        parser.add_argument("place", type=Path)
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--pages", type=even, nargs="+")
        parser.add_argument("--name")

    def handle(self, *args, **options):
        self.told = options
        if options["name"]:
            raise FileNotFoundError(2, "No such file or directory", options["name"])


def test_words_from_python_are_read_as_those_of_a_shell_are():
    command = Told()
    call_command(command, "a", out="b", pages=["2", "4"])
    assert command.told["place"] == Path("a")
    assert command.told["out"] == Path("b")
    assert command.told["pages"] == [2, 4]
    call_command(command, Path("a"), out=Path("b"), pages=[6])
    assert command.told["pages"] == [6]


def test_a_word_that_an_argument_cannot_be_is_named():
    with pytest.raises(CommandError, match="--pages: '3' cannot be used: 3 is odd"):
        call_command(Told(), "a", out="b", pages=["3"])


def test_a_missing_file_ends_a_command_in_words():
    with pytest.raises(CommandError, match=r"^x\.fits: no such file or directory$"):
        call_command(Told(), "a", out="b", name="x.fits")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", ["SELECT * FROM no_table", "SELECT no_column FROM django_session"]
)
def test_a_database_of_another_version_is_to_be_migrated(query):
    with pytest.raises(CommandError, match=r"run manage\.py migrate"), in_sentences():
        connection.cursor().execute(query)


@pytest.mark.django_db
def test_a_wrong_query_stays_the_error_that_it_is():
    with pytest.raises(DatabaseError, match="syntax error"), in_sentences():
        connection.cursor().execute("SELEC 1")


def test_a_database_that_does_not_answer_is_said_to():
    said = r"does not answer \(refused\): see that it runs"
    with pytest.raises(CommandError, match=said), in_sentences():
        raise OperationalError("refused\nIs the server running?")


@pytest.fixture
def bad(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no image, no table, no network\n")
    (tmp_path / "nothing").touch()
    return tmp_path


KINDS = ("no", "empty", "text", "nothing")
# {0} is a folder with an empty folder, a text file and an empty file.
WRONG = [
    *(f"difference {{0}}/{name} {{0}}/text --out {{0}}/out" for name in KINDS),
    "difference {0}/text {0}/text --out {0}/text",
    *(f"difference {{0}}/text {{0}}/text --out {{0}}/out {option}" for option in (
        "--threshold nan", "--threshold -1", "--threads 0", "--hdu -1", "--gain 0", "--date-obs x",
        "--positions {0}/no", "--positions {0}/empty", "--star-catalog {0}/empty",
    )),
    *(f"reduce {{0}}/{name} --out {{0}}/out" for name in ("no", "empty", "text")),
    *(f"reduce {{0}}/empty --out {{0}}/out {option}" for option in (
        "--gain nan", "--gain -1", "--read-noise -1", "--saturation 0", "--hdu -1",
        "--least-frames 0",
    )),
    "reduce {0}/empty --out {0}/text",
    *(f"check_astrometry {{0}}/text --catalog {{0}}/{name}" for name in KINDS),
    "check_astrometry {0}/text --catalog {0}/text --header {0}/no/x",
    "check_astrometry {0}/text --catalog {0}/text --header {0}/empty",
    *(f"evaluate_model {{0}}/{name}" for name in KINDS),
    "evaluate_model {0}/text --weights {0}/text",
    "demo --port 99999",
    "demo --port -1",
    "train_model --seed -1",
    "train_model --page {0}/no/x",
    "train_model --out {0}/text",
    "benchmark rawnight {0}/no",
    "benchmark rawnight {0}/empty --seeds -1",
    "benchmark rawnight {0}/empty --table {0}/text",
    "benchmark dithered --table {0}/no",
    "benchmark dithered --size 100",
    "benchmark decam --data {0}/no",
    "benchmark decam --data {0}/empty",
    "benchmark differencing --quick --table {0}/no",
    "benchmark differencing --quick --generator {0}/text",
    "benchmark differencing --quick --generator {0}/no",
    "benchmark differencing --quick --area 0",
]  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_a_command_refuses_what_it_cannot_use_in_a_sentence_and_writes_nothing(bad, line):
    before = sorted(bad.rglob("*"))
    with pytest.raises(CommandError) as refusal:
        call_command(*line.format(bad).split())
    assert " " in str(refusal.value)
    assert "Errno" not in str(refusal.value)
    assert sorted(bad.rglob("*")) == before


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["no-such-frame", "0123456789012345678901234567890z", "0" * 32])
def test_an_observation_that_is_not_there_is_said_to_be_none(name):
    with pytest.raises(CommandError, match=f"0 observations are called '{name}'"):
        call_command("process", observation=name)
