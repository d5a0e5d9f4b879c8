"""Settings: what is accepted, what is refused in which words, and what is in force."""

from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astrid.core.errors import BadParameters
from catalog import config, keys
from catalog.checks import check_settings
from catalog.fieldhelp import FieldHelp
from catalog.keys import PipelineParameters
from catalog.models import SystemConfig
from curation.parameters import AlertRuleSpec
from differencing.parameters import DifferenceParameters


@pytest.mark.parametrize("key", keys.SETTINGS)
def test_the_default_of_every_key_is_a_value_of_it(key):
    assert keys.parse(key, keys.default_value(key)) == keys.setting_of(key).default()


@pytest.mark.parametrize("key", keys.SETTINGS)
def test_every_field_of_every_key_has_a_meaning(key):
    lines = keys.help_of(key)
    assert [line.name for line in lines] == [f.name for f in fields(keys.setting_of(key).kind)]
    assert all(line.meaning for line in lines)


@pytest.mark.parametrize("key", keys.SETTINGS)
def test_every_number_of_every_key_has_limits(key):
    numbers = [line for line in keys.help_of(key) if line.kind.startswith(("number", "whole"))]
    assert all(line.allowed for line in numbers)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (
            "difference",
            FieldHelp(
                "threshold", "number", "sigma", "least |S_corr| of a candidate", "5.0",
                "> 0 and ≤ 100",
            ),
        ),
        (
            "preprocess",
            FieldHelp(
                "min_stars", "whole number", "stars",
                "fewer matched stars than this cannot check a registration", "5", "≥ 3",
            ),
        ),
        (
            "detection",
            FieldHelp(
                "association_radius_arcsec", "number", "arcsec",
                "detections closer than this belong to one sky object", "1.5", "> 0",
            ),
        ),
        (
            "review",
            FieldHelp(
                "votes_required", "whole number", "",
                "curators who must agree before it is confirmed", "1", "≥ 1 and ≤ 20",
            ),
        ),
    ],
)  # fmt: skip
def test_the_help_of_a_field_is_what_its_declaration_says(key, line):
    assert line in keys.help_of(key)


@pytest.mark.parametrize("key", keys.SETTINGS)
def test_every_key_has_a_schema_that_refuses_other_fields(key):
    schema = keys.json_schema(key)
    (definition,) = [
        each for each in schema["$defs"].values() if each.get("additionalProperties") is False
    ]
    assert list(definition["properties"]) == [line.name for line in keys.help_of(key)]


def test_fields_left_out_take_their_defaults():
    assert keys.parse("difference", {"threshold": 6}) == DifferenceParameters(threshold=6.0)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("pipeline", {"max_retries": -1}, ["pipeline.max_retries is -1", "≥ 0 and ≤ 20"]),
        ("pipeline", {"max_retries": 1.5}, ["pipeline.max_retries is 1.5", "whole number"]),
        ("pipeline", {"max_retries": True}, ["pipeline.max_retries is true", "whole number"]),
        ("pipeline", {"max_retries": "3"}, ['pipeline.max_retries is "3"', "default 3"]),
        ("pipeline", {"backoff_seconds": 9e9}, ["must not be below backoff_seconds, 9000000000"]),
        ("pipeline", {"backoff_seconds": float("nan")}, ["is NaN", "finite"]),
        ("pipeline", {"backoff_seconds": float("inf")}, ["is Infinity", "finite"]),
        ("pipeline", {"retries": 3}, ["pipeline.retries is not a field", "max_retries"]),
        ("pipeline", None, ["pipeline is null", "object"]),
        ("pipeline", [], ["pipeline is []", "object"]),
        ("alert_rules", {}, ["alert_rules is {}", "list of AlertRuleSpec"]),
        ("alert_rules", [{}], ["alert_rules[0].name is missing"]),
        ("alert_rules", [{"name": "a", "trigger": "x"}], ["one of detected, confirmed"]),
        ("alert_rules", [{"name": "a"}, {"name": "a"}], ['2 items named "a"', "must differ"]),
        (
            "alert_rules",
            [{"name": "a", "channels": [1]}],
            ["alert_rules[0].channels[0] is 1", "list of text"],
        ),
        ("colour", {}, ["no setting is called 'colour'", "preprocess, difference"]),
    ],
)
def test_a_bad_value_is_refused_in_words(key, value, words):
    with pytest.raises(BadParameters) as refused:
        keys.parse(key, value)
    assert all(word in str(refused.value) for word in words), str(refused.value)


def test_every_fault_is_named_at_once():
    value = {"max_retries": -1, "sweep_limit": 0, "other": 1}
    assert len(keys.problems_of("pipeline", value)) == 3


def test_a_long_bad_value_is_shown_shortened():
    (problem,) = keys.problems_of("pipeline", {"max_retries": "9" * 10_000})
    assert len(problem) < 400


def test_what_is_parsed_is_frozen():
    with pytest.raises(FrozenInstanceError):
        keys.parse("pipeline", {}).max_retries = 5


def test_rules_come_with_their_types():
    (rule,) = keys.parse("alert_rules", [{"name": "a", "detection_types": ["supernova"]}])
    assert rule == AlertRuleSpec(name="a", detection_types=("supernova",))
    assert keys.parse("alert_rules", keys.plain([rule])) == (rule,)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


# The first draw builds tables of characters, which takes seconds on a busy machine.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([f.name for f in fields(PipelineParameters)]), anything))
def test_any_json_is_either_a_setting_or_refused_in_words(value):
    problems = keys.problems_of("pipeline", value)
    if problems:
        assert all(problem.startswith("pipeline") for problem in problems)
    else:
        assert isinstance(keys.parse("pipeline", value), PipelineParameters)


@pytest.mark.django_db
class TestRows:
    """What is stored, and what is in force."""

    def test_without_a_row_the_default_is_in_force(self):
        SystemConfig.objects.all().delete()
        assert config.get("difference") == DifferenceParameters()
        assert config.get("alert_rules") == ()

    def test_an_active_row_is_in_force_and_an_inactive_one_is_not(self):
        config.put("difference", {"threshold": 7})
        assert config.get("difference").threshold == 7
        SystemConfig.objects.filter(key="difference").update(is_active=False)
        assert config.get("difference").threshold == 5

    def test_a_stored_value_that_does_not_fit_is_never_replaced(self):
        config.ensure_defaults()
        SystemConfig.objects.filter(key="difference").update(value={"threshold": "x"})
        with pytest.raises(BadParameters, match=r"difference\.threshold"):
            config.get("difference")

    def test_a_bad_value_is_not_stored(self):
        config.put("difference", {"threshold": 7})
        with pytest.raises(BadParameters):
            config.put("difference", {"threshold": -7})
        assert config.get("difference").threshold == 7

    def test_every_key_gets_its_row_once_and_keeps_its_value(self):
        SystemConfig.objects.all().delete()
        config.put("pipeline", {"max_retries": 1})
        assert config.ensure_defaults() == len(keys.SETTINGS) - 1
        assert config.ensure_defaults() == 0
        assert set(SystemConfig.objects.values_list("key", flat=True)) == set(keys.SETTINGS)
        assert config.get("pipeline").max_retries == 1
        assert config.bad_rows() == {}

    def test_the_time_of_effect_moves_with_the_value_alone(self):
        row = config.put("pipeline", {"max_retries": 1})
        since = row.effective_since
        SystemConfig.objects.filter(pk=row.pk).update(description="other words")
        row.refresh_from_db()
        assert row.effective_since == since
        SystemConfig.objects.filter(pk=row.pk).update(value={"max_retries": 2})
        row.refresh_from_db()
        assert row.effective_since > since

    def test_the_check_reports_what_cannot_be_used(self):
        config.ensure_defaults()
        assert check_settings(databases=["default"]) == []
        SystemConfig.objects.filter(key="pipeline").update(value={"max_retries": -1})
        SystemConfig.objects.create(key="colour", value={})
        faults = check_settings(databases=["default"])
        assert [fault.id for fault in faults] == ["catalog.E001", "catalog.E001"]
        assert any("pipeline.max_retries is -1" in fault.msg for fault in faults)
        assert any("no setting is called 'colour'" in fault.msg for fault in faults)

    def test_the_check_asks_no_database_unless_told_to(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert check_settings(databases=None) == []
