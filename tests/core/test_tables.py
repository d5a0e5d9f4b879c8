import pytest

from astrid.core.columns import readable
from astrid.core.tables import as_table
from astrid.templatetags.sections import in_working_order
from differencing.models import Candidate


def test_figures_inside_json_keep_the_decimals_of_their_quantity():
    page = as_table({"r": {"mjd_utc": 60409.131942, "other": 1 / 3}})
    assert "<td>r · mjd_utc</td><td>60409.13194</td>" in page
    assert "<td>0.333333</td>" in page


def test_a_list_of_objects_inside_an_object_is_a_table_of_its_own():
    assert as_table({"frames": [{"role": "science"}]}).count("<table>") == 2


def test_a_long_list_is_shown_by_its_ends():
    assert as_table(list(range(100))) == "0, 1, 2, … 99 (100 values)"
    assert as_table([1, 2]) == "1, 2"


def test_text_in_json_cannot_become_markup():
    assert "<script>" not in as_table({"a": "<script>"})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("significance", 5.138650894, "5.139"),
        ("ra", 150.133690929, "150.133691"),
        ("snr", None, None),
    ],
)
def test_columns_are_shown_with_the_decimals_that_they_are_known_to(name, value, words):
    assert readable(Candidate._meta, name)(Candidate(**{name: value})) == words


def test_a_column_without_figures_is_shown_as_it_is():
    assert readable(Candidate._meta, "status") == "status"
    assert readable(Candidate._meta, "not a column") == "not a column"


def test_sections_follow_the_work_and_unknown_ones_come_last():
    labels = ["auth", "elsewhere", "detection", "curation"]
    sections = in_working_order([{"app_label": label, "name": label} for label in labels])
    assert [each["app_label"] for each in sections] == [
        "curation",
        "detection",
        "auth",
        "elsewhere",
    ]
    assert sections[-1]["name"] == "elsewhere"
