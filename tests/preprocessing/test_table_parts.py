"""Tables some rows at a time: the same as whole, and memory that does not grow with the file."""

import gc
import tracemalloc

import numpy as np
import pytest
from astropy.io.votable import from_table, parse_single_table
from astropy.table import MaskedColumn, Table, vstack

from preprocessing.photometry.star_catalog import read_table
from preprocessing.photometry.table_parts import parts


def made(number, seed=1):
    """Make a table with what files have: names with commas and line ends, missing values, bits."""
    rng = np.random.default_rng(seed)
    # The first name is the longest: text columns of FITS and ECSV are as wide as that.
    names = [f"star {k}, of\n{'x' * (k % 7)}" if k % 5 else f"plain {k}" for k in range(number)]
    table = Table(
        {
            "name": names,
            "ra": rng.uniform(0, 360, number),
            "dec": rng.uniform(-90, 90, number),
            "mag": MaskedColumn(rng.normal(15, 1, number), mask=rng.random(number) < 0.2),
            "number": np.arange(number),
            "flag": rng.random(number) < 0.5,
        }
    )
    table["ra"].unit = "deg"
    return table


def votable(path, table, form):
    document = from_table(table)
    document.get_first_table().format = form
    document.to_xml(str(path))


def write(folder, table, kind):
    path = folder / f"table.{kind}"
    if kind in ("tabledata", "binary", "binary2"):
        votable(path, table, kind)
    elif kind == "ecsv":
        table.write(path, format="ascii.ecsv", delimiter=",")
    else:
        table.write(path, format={"csv": "ascii.csv"}.get(kind, kind))
    return path


KINDS = ["csv", "ecsv", "fits", "parquet", "tabledata", "binary", "binary2"]


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_together_what_the_file_is(tmp_path, kind):
    table = made(107)
    if kind == "fits":
        table["name"] = [each.replace("\n", " ") for each in table["name"]]
    path = write(tmp_path, table, kind)
    found = list(parts(path, 10))
    assert len(found) > 5
    assert max(map(len, found)) <= 12  # a text in quotes that goes on takes its lines along
    whole = read_table(path.read_bytes(), path.name)
    together = vstack(found, metadata_conflicts="silent")
    assert together.colnames == whole.colnames == table.colnames
    for name in table.colnames:
        a, b = (np.ma.filled(np.ma.asarray(each[name]), 0) for each in (together, whole))
        assert a.tolist() == b.tolist()
        masks = [np.ma.getmaskarray(np.ma.asarray(each[name])) for each in (together, whole)]
        assert masks[0].tolist() == masks[1].tolist()
    assert found[0]["ra"].unit == whole["ra"].unit


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_without_rows_is_one_part(tmp_path, kind):
    path = write(tmp_path, made(3)[:0], kind)
    (found,) = parts(path, 10)
    assert len(found) == 0
    assert found.colnames[:3] == ["name", "ra", "dec"]


def peak_of(path, rows):
    """Give the most memory that is held while a file is read, bytes, and its rows."""
    gc.freeze()
    tracemalloc.start()
    try:
        number = 0
        for each in parts(path, rows):
            number += len(each)
            gc.collect()  # tables of astropy refer to themselves
        return tracemalloc.get_traced_memory()[1], number
    finally:
        tracemalloc.stop()
        gc.unfreeze()


# Text is the slowest to read; of it, fewer rows say the same.
@pytest.mark.parametrize(
    ("kind", "number"),
    [("csv", 20_000), ("fits", 300_000), ("parquet", 300_000), ("tabledata", 3_000),
     ("binary2", 8_000)],
)  # fmt: skip
def test_memory_does_not_grow_with_the_file(tmp_path, kind, number):
    columns = {name: np.arange(number) % 360 + 0.25 for name in ("ra", "dec", "mag")}
    table, rows = Table(columns), number // 10
    peaks = {}
    for size in (number // 5, number // 5, number):  # the first fills caches of astropy
        path = write(tmp_path, table[:size], kind)
        peaks[size], read = peak_of(path, rows)
        path.unlink()
        assert read == size
    # five times the rows; read whole, it would be five times the memory
    assert peaks[number] < 1.5 * peaks[number // 5]


def test_rows_that_break_off_are_an_error(tmp_path):
    path = write(tmp_path, made(50), "binary2")
    content = path.read_bytes()
    end = content.index(b"</STREAM")
    path.write_bytes(content[: end - 40] + content[end:])
    with pytest.raises(ValueError, match=r"ends within a row|padding|base64"):
        list(parts(path, 10))


def test_a_document_of_several_tables_gives_the_first(tmp_path):
    path = write(tmp_path, made(20), "tabledata")
    text = path.read_text()
    start, end = text.index("<TABLE"), text.index("</TABLE>") + len("</TABLE>")
    path.write_text(text[:end] + text[start:end].replace('ID="', 'ID="b') + text[end:])
    assert sum(map(len, parts(path, 7))) == 20
    assert len(parse_single_table(path).array) == 20
