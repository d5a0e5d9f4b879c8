import io

import pytest
from rich.console import Console

from astrid.core import console
from preprocessing.raw.frame_table import frame_table, short_names

NAMES = [
    f"light_{band}/SN2022yid_10292022-{number:04d}_{band}_120s.fit"
    for band in "VR"
    for number in (2, 20, 21)
]


def frame(name):
    return {
        "file": name,
        "filter": "V",
        "seeing_px": 6.3456,
        "n_stars": 1234,
        "sky_level": 12345.678,
        "noise": 12.3456,
        "cosmic_ray_share": 0.0123,
        "registration_rms_px": 0.12345,
    }


def test_names_are_cut_to_the_words_in_which_they_differ():
    expected = [f"{number}_{band}" for band in "VR" for number in ("0002", "0020", "0021")]
    assert short_names(NAMES) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["only/light.fits"], ["light.fits"]),
        (["a/light.fits", "b/light.fits"], ["a", "b"]),
        (["x_1.fits", "x_12.fits", "x_112.fits"], ["1", "12", "112"]),
        (["light.fits", "light_2.fits"], ["light.fits", "light_2.fits"]),
        ([], []),
    ],
)
def test_short_names_stay_different_and_whole(names, expected):
    assert short_names(names) == expected


def lines_shown(monkeypatch, *, is_terminal, frames):
    stream = io.StringIO()
    to = Console(file=stream, width=80, force_terminal=is_terminal, color_system=None)
    monkeypatch.setattr(console, "stderr", to)
    console.show(console.table("Frames", *frame_table(frames)))
    return stream.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_of_80_columns_shows_every_name_and_unit_whole(monkeypatch, is_terminal):
    shown = lines_shown(monkeypatch, is_terminal=is_terminal, frames=[frame(n) for n in NAMES])
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    for text in (*short_names(NAMES), "FWHM", "ADU", "rms", "1.23e+04", "0.123"):
        assert text in shown


def test_nothing_is_cut_where_no_terminal_is(monkeypatch):
    names = [f"{letter * 150}.fits" for letter in "ab"]
    shown = lines_shown(monkeypatch, is_terminal=False, frames=[frame(n) for n in names])
    assert "a" * 150 in shown
    assert "…" not in shown


def test_a_figure_that_a_frame_lacks_is_blank():
    lacking = {"file": "x.fits", "registration_rms_px": None}
    header, rows = frame_table([lacking])
    assert rows == [["x.fits"] + [""] * (len(header) - 1)]
