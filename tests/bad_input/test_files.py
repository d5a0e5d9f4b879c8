"""Files that cannot be used are refused in one sentence, and the night goes on."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from preprocessing.models import PreprocessRun
from tests.bad_input.night import failed, refused, said, went_through

pytestmark = pytest.mark.django_db
MALFORMED = Path(__file__).resolve().parents[3] / "shared" / "data" / "malformed_fits"


def halved(content):
    return content[: len(content) // 2]


def cut_in_header(content):
    return content[:1000]


def cut_in_last_block(content):
    return content[:-3000]  # a block is 2880 bytes


def emptied(content):
    return b""


def with_flipped_bits(content):
    middle = len(content) // 2
    return (
        content[:middle]
        + bytes(byte ^ 0x55 for byte in content[middle : middle + 4])
        + (content[middle + 4 :])
    )


def replaced_by_a_web_page(content):
    return b"<html><body>404 Not Found</body></html>"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (halved, "truncated"),
        (cut_in_header, "truncated"),
        (cut_in_last_block, "truncated"),
        (emptied, "empty"),
        (with_flipped_bits, "checksum"),
        (replaced_by_a_web_page, "not a FITS file"),
    ],
)
def test_a_damaged_file_is_refused_in_words(night, damage, words):
    night.add(damage(night.content()))
    night.run()
    assert words in refused(night)
    assert went_through()


def test_a_frame_without_a_celestial_wcs_is_refused(night):
    def strip(pixels, header):
        for key in ("CTYPE1", "CTYPE2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"):
            header.remove(key, ignore_missing=True)
        return pixels

    night.add_like(strip)
    night.run()
    assert "CTYPE" in refused(night)
    assert went_through()


def test_a_frame_of_nan_alone_is_refused(night):
    night.add_like(lambda pixels, header: np.full_like(pixels, np.nan))
    night.run()
    assert "NaN" in refused(night)
    assert went_through()


def test_a_constant_frame_is_refused(night):
    night.add_like(lambda pixels, header: np.full_like(pixels, 400.0))
    night.run()
    assert "all pixels are 400" in refused(night)
    assert went_through()


@pytest.mark.skipif(not MALFORMED.is_dir(), reason="needs ../shared/data/malformed_fits")
def test_every_malformed_file_is_refused_or_fails_and_the_night_goes_on(night):
    files = sorted(path for path in MALFORMED.rglob("*") if path.is_file())
    names = {f"field09_sci{number:02d}": path for number, path in enumerate(files)}
    for name, path in names.items():
        shutil.copyfile(path, night.path(name))
    report = night.run()
    assert night.ingestion.found == len(files) + 2
    outcome = {entry["file"].removesuffix(".fits"): entry for entry in night.ingestion.refusals}
    for name in names:
        reason = outcome[name]["reason"] if name in outcome else failed(PreprocessRun, name)
        assert said(reason)
    assert report.postponed == 0
    assert went_through()
