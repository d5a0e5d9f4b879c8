"""Rule files say what frames are; a wrong one says itself what is wrong with it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from astrid.core.errors import BadParameters
from observations.fits import HeaderTime, read_frame
from observations.roles import Difference, Facts, assign, differences, facts_of, header_role
from observations.rules import SHIPPED, IngestRules, best_shipped, find_rules, fits_files

DECAM = Path(__file__).resolve().parents[2] / "../shared/data/images/decam_i_2epoch_transient"
needs_decam = pytest.mark.skipif(not DECAM.is_dir(), reason="../shared/data is not there")

GOOD = """
survey = "Test"
hdu = 1
verify_checksums = false
[defaults]
gain = 1.5
read_noise = 0
filter = "r"
[keywords]
saturation = "ESATUR"
[[frames]]
pattern = "a*.fits"
role = "science"
epoch = "A"
observed_at = 2024-03-01T02:03:04+01:00
[[frames]]
pattern = "*.fits"
role = "reference"
epoch = "B"
observed_at = { keyword = "WTMAP", pattern = '(\\d+)', format = "%Y" }
[[differences]]
science = "A"
reference = "B"
[[differences]]
science = "A"
reference = "A"
control = true
"""


@pytest.fixture
def write(tmp_path):
    def write_rules(text, name="astrid.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_rules


def facts(name, **changes):
    values = {
        "ra": 150.0, "dec": 2.0, "radius_deg": 0.1, "filter_band": "r", "mjd": 60000.0, **changes
    }  # fmt: skip
    return Facts(name, **values)


def test_a_rule_file_is_read_as_written(write):
    rules = IngestRules.from_toml(write(GOOD))
    assert (rules.survey, rules.hdu, rules.verify_checksums) == ("Test", 1, False)
    assert (rules.defaults.gain, rules.defaults.read_noise) == (1.5, 0.0)
    assert (rules.defaults.filter_band, rules.defaults.saturation) == ("r", None)
    assert rules.frames[0].observed_at == datetime(2024, 3, 1, 1, 3, 4, tzinfo=UTC)
    assert rules.frames[1].observed_at == HeaderTime("WTMAP", r"(\d+)", "%Y")
    assert [rule.control for rule in rules.differences] == [False, True]


def test_the_first_pattern_that_matches_counts_and_what_matches_none_is_left_out(write):
    rules = IngestRules.from_toml(write(GOOD))
    assert rules.match("a1.fits").epoch == "A"
    assert rules.match("b1.fits").epoch == "B"
    assert rules.match("A1.fits").epoch == "B"
    assert rules.match("notes.txt") is None
    assert not rules.includes("notes.txt")
    assert IngestRules("no patterns").includes("anything.fits")


def test_rules_give_the_reader_what_it_needs(write):
    rules = IngestRules.from_toml(write(GOOD))
    options = rules.read_options("a1.fits")
    assert options.defaults == rules.defaults
    assert (options.hdu, options.verify_checksums) == (1, False)
    assert options.observed_at == rules.frames[0].observed_at
    assert options.keywords == {"saturation": "ESATUR"}
    assert rules.read_options("unknown.txt").observed_at is None


def test_rules_survive_being_stored_as_json_values(write):
    rules = IngestRules.from_toml(write(GOOD))
    assert IngestRules.from_dict(rules.as_dict(), source=rules.source) == rules
    for path in sorted(SHIPPED.glob("*.toml")):
        shipped = IngestRules.from_toml(path)
        assert IngestRules.from_dict(shipped.as_dict(), source=path.name) == shipped


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('survey = "Test"', "", "survey is None; it must be a text"),
        ('survey = "Test"', 'surveyor = "Test"', "unknown key 'surveyor'; allowed are survey"),
        ("gain = 1.5", "gian = 1.5", "unknown key 'gian' in [defaults]; allowed are gain"),
        ("gain = 1.5", "gain = -1", "defaults.gain is -1; it must be a number above zero"),
        ("gain = 1.5", "gain = nan", "defaults.gain is nan"),
        ("gain = 1.5", "gain = true", "defaults.gain is True"),
        ("hdu = 1", "hdu = -1", "hdu is -1; it must be an integer of 0 or more"),
        ("hdu = 1", "hdu = 1.5", "hdu is 1.5"),
        ("verify_checksums = false", 'verify_checksums = "no"', "it must be true or false"),
        ("saturation =", "brightness =", "unknown key 'brightness' in [keywords]"),
        ('role = "science"', 'role = "sience"', "it must be one of reference, science"),
        ('epoch = "A"', "epoch = 4", "frames[1].epoch is 4; it must be a text"),
        ("2024-03-01T02:03:04+01:00", '"March"', "a date and time such as"),
        ("2024-03-01T02:03:04+01:00", "17", "a date and time such as"),
        ("'(\\d+)'", "'\\d+'", "a regular expression with one group"),
        ("'(\\d+)'", "'('", "a regular expression ("),
        ('reference = "B"', 'reference = "C"', "is 'C'; it must be one of A, B"),
        ("control = true", "control = false", "another epoch than science, or control = true"),
        ("[[frames]]", "[frames]", "cannot be read"),
        ("[defaults]", "[defaults", "cannot be read"),
        ("[keywords]", "[[keywords]]", "it must be a table"),
    ],
)
def test_a_mistake_in_a_rule_file_is_named(write, old, new, words):
    assert old in GOOD
    with pytest.raises(BadParameters) as caught:
        IngestRules.from_toml(write(GOOD.replace(old, new, 1)))
    assert "astrid.toml" in str(caught.value)
    assert words in str(caught.value)


def test_differences_need_frames():
    with pytest.raises(BadParameters, match="used with"):
        IngestRules.from_dict({"survey": "x", "differences": [{"science": "A", "reference": "B"}]})
    with pytest.raises(BadParameters, match="array of tables"):
        IngestRules.from_dict({"survey": "x", "frames": "all"})


def test_the_named_rule_file_wins_then_that_of_the_directory_then_a_shipped_one(write, tmp_path):
    for number in "abc":
        (tmp_path / f"DEC-OBS04{number}.mini.fits").touch()
    assert find_rules(tmp_path).source == "decam_i_2epoch.toml"
    write('survey = "Own"')
    assert find_rules(tmp_path).survey == "Own"
    other = write('survey = "Other"', "other.toml")
    assert find_rules(tmp_path, other).survey == "Other"
    with pytest.raises(BadParameters, match=r"missing\.toml cannot be read"):
        find_rules(tmp_path, tmp_path / "missing.toml")


def test_a_directory_that_no_rules_know_gets_the_default_rules(tmp_path):
    (tmp_path / "m31.fits").touch()
    rules = find_rules(tmp_path)
    assert rules.frames == ()
    assert rules.verify_checksums
    assert best_shipped(["m31.fits"]) is None


def test_fits_files_are_found_in_folders_and_nothing_else(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("b.fits", "deep/a.FIT", "c.fits.fz", "d.fits.gz", "notes.txt", "truth.ecsv"):
        (tmp_path / name).touch()
    names = [path.name for path in fits_files(tmp_path)]
    assert names == ["b.fits", "c.fits.fz", "d.fits.gz", "a.FIT"]


def test_without_rules_the_earliest_night_of_each_filter_and_pointing_is_the_reference():
    frames = [
        facts("late", mjd=60002.0),
        facts("first", mjd=60000.0),
        facts("same-night", mjd=60000.1, ra=150.01),
        facts("other-filter", mjd=60002.0, filter_band="g"),
        facts("elsewhere", mjd=60001.0, ra=151.0),
    ]
    roles = {each.name: each.role for each in assign(frames)}
    assert roles == {
        "late": "science",
        "first": "reference",
        "same-night": "reference",
        "other-filter": "reference",
        "elsewhere": "reference",
    }
    assert [each.name for each in assign(frames)] == [each.name for each in frames]


def test_a_stated_reference_leaves_the_others_as_science():
    frames = [facts("early", mjd=1.0), facts("deep", mjd=5.0, role="reference")]
    assert [each.role for each in assign(frames)] == ["science", "reference"]


def test_pointings_are_told_apart_across_right_ascension_zero():
    frames = [facts("west", ra=359.99, mjd=1.0), facts("east", ra=0.01, mjd=9.0)]
    assert [each.role for each in assign(frames)] == ["reference", "science"]


def test_science_is_paired_with_references_of_its_filter_that_overlap():
    frames = [
        facts("s", role="science"),
        facts("near", role="reference", ra=150.15),
        facts("far", role="reference", ra=150.25),
        facts("blue", role="reference", filter_band="g"),
    ]
    assert differences(IngestRules("x"), frames) == [Difference("s", "near")]


def test_controls_take_each_frame_against_every_other_of_its_group(write):
    rules = IngestRules.from_toml(write(GOOD))
    frames = [facts(name, epoch=name[0].upper()) for name in ("a1", "a2", "a3", "b1")]
    made = differences(rules, frames)
    assert [each for each in made if not each.control] == [
        Difference(name, "b1") for name in ("a1", "a2", "a3")
    ]
    controls = [(each.science, each.reference) for each in made if each.control]
    assert len(controls) == len(set(controls)) == 6
    assert all(science != reference for science, reference in controls)


@pytest.mark.parametrize(
    ("keyword", "value", "role"),
    [
        ("OBSTYPE", "reference", "reference"),
        ("OBSTYPE", "SCIENCE ", "science"),
        ("ROLE", "template", "reference"),
        ("OBSTYPE", "object", None),
        ("OBJECT", "science", None),
    ],
)
def test_a_header_may_state_its_role(keyword, value, role):
    assert header_role({keyword: value}) == role


@needs_decam
def test_the_real_pair_of_epochs_is_read_with_its_true_times_and_all_its_differences():
    rules = find_rules(DECAM)
    names = [path for path in fits_files(DECAM) if rules.includes(path.name)]
    frames = [read_frame(path, options=rules.read_options(path.name)) for path in names]
    assert len(frames) == 10
    nights = {f"{frame.observed_at:%Y-%m-%d}" for frame in frames}
    assert nights == {"2016-08-18", "2018-08-04"}
    assert len({frame.observed_at for frame in frames}) == 10
    # OBS04a is the frame whose own DATE-OBS all the others were given
    assert frames[0].observed_at.isoformat() == "2018-08-04T09:23:31+00:00"
    assert all(30000 < frame.saturation < 44000 for frame in frames)
    made = differences(rules, assign(facts_of(frame, rules) for frame in frames))
    assert sum(not each.control for each in made) == 25
    assert sum(each.control for each in made) == 40
    assert all("OBS04" in each.science and "OBS18" in each.reference for each in made[:25])
