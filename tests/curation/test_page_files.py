"""The files of the console's pages: how large they are, and whether their colours can be read."""

import gzip
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "astrid" / "static" / "astrid"
SCRIPTS = [*sorted(STATIC.glob("review/*.js")), STATIC / "night.js"]
MOST_BYTES = 60_000  # gzipped, of all scripts together


def test_the_scripts_of_the_page_stay_small():
    assert len(SCRIPTS) > 5
    assert sum(len(gzip.compress(each.read_bytes())) for each in SCRIPTS) <= MOST_BYTES


def test_no_file_names_another_host():
    for each in [*SCRIPTS, *STATIC.glob("object/*.js"), *STATIC.glob("*.css")]:
        found = set(re.findall(r"https?://[^\s\"')]+", each.read_text()))
        assert found <= {"http://www.w3.org/2000/svg"}, each  # a name, never asked for


# --- colours, by WCAG 2.2

THEMES = {
    "light": r":root,\nhtml\[data-theme=\"light\"\] {(.*?)}",
    "dark": r"html\[data-theme=\"dark\"\] {(.*?)}",
    "red": r"html\[data-night=\"red\"\] {(.*?)}",
}
TEXT = [
    (ink, paper)
    for ink in ("ink", "ink-quiet", "blue", "real", "bogus")
    for paper in ("panel", "sky")
] + [
    ("real", "real-wash"), ("bogus", "bogus-wash"), ("unsure", "unsure-wash"),
    ("ink", "error-wash"), ("night-ink", "night"), ("night-quiet", "night"),
]  # fmt: skip


def colours_of(theme):
    block = re.search(THEMES[theme], (STATIC / "tokens.css").read_text(), re.DOTALL).group(1)
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_has_the_contrast_that_wcag_states():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES)
def test_all_text_can_be_read_and_focus_be_seen(theme):
    colours = colours_of(theme)
    low = {(a, b): contrast(colours[a], colours[b]) for a, b in TEXT}
    assert not {pair: value for pair, value in low.items() if value < 4.5}
    assert contrast(colours["focus"], colours["panel"]) >= 3
