import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.consensus import Vote, leading_label, outcome
from curation.parameters import ReviewPolicy
from detection.models import DetectionStatus as S

REAL = Vote(True, "supernova", "supernova")
VARIABLE = Vote(True, "variable", "variable")
BOGUS = Vote(False, "dipole", "artifact")
UNSURE = Vote(None)


@pytest.mark.parametrize(
    ("votes", "required", "status", "share"),
    [
        ([REAL], 1, S.CONFIRMED, 1.0),
        ([REAL], 2, S.VALIDATED, 1.0),
        ([REAL, REAL], 2, S.CONFIRMED, 1.0),
        ([REAL, VARIABLE], 2, S.VALIDATED, 1.0),
        ([REAL, VARIABLE, REAL], 2, S.CONFIRMED, 1.0),
        ([BOGUS], 1, S.REJECTED, 1.0),
        ([BOGUS], 2, S.REJECTED, 1.0),
        ([REAL, BOGUS], 1, S.VALIDATING, 0.5),
        ([REAL, REAL, BOGUS], 1, S.VALIDATING, 2 / 3),
        ([REAL, BOGUS, BOGUS], 1, S.REJECTED, 2 / 3),
        ([UNSURE], 1, S.VALIDATING, 0.0),
        ([UNSURE, REAL], 1, S.CONFIRMED, 0.5),
        ([UNSURE, BOGUS], 1, S.REJECTED, 0.5),
    ],
)
def test_votes_put_a_detection_where_the_rule_says(votes, required, status, share):
    result = outcome(votes, required)
    assert (result.status, result.share) == (status, pytest.approx(share))


@given(st.lists(st.sampled_from([REAL, VARIABLE, BOGUS, UNSURE]), min_size=1), st.integers(1, 4))
def test_the_order_of_votes_never_changes_the_status(votes, required):
    forwards, backwards = outcome(votes, required), outcome(votes[::-1], required)
    assert (forwards.status, forwards.share) == (backwards.status, backwards.share)
    assert 0 <= forwards.share <= 1


def test_the_most_frequent_label_leads_and_of_equals_the_last():
    assert leading_label([REAL, VARIABLE, REAL]) == "supernova"
    assert leading_label([REAL, VARIABLE]) == "variable"
    assert leading_label([Vote(True)]) is None


def test_a_disagreement_has_no_label():
    assert outcome([REAL, BOGUS], 1).label is None


def test_an_adjudicators_word_settles_what_votes_could_not():
    votes = [REAL, REAL, BOGUS, Vote(False, "dipole", "artifact", decides=True)]
    result = outcome(votes, 2)
    assert (result.status, result.label, result.share) == (S.REJECTED, "dipole", 0.5)
    later = outcome([*votes, Vote(True, "agn", "variable", decides=True)], 2)
    assert (later.status, later.label) == (S.CONFIRMED, "agn")


def test_no_votes_are_refused():
    with pytest.raises(ValueError, match="no vote"):
        outcome([], 1)


def test_a_policy_without_votes_is_refused():
    with pytest.raises(ValueError, match="votes_required is 0"):
        ReviewPolicy(votes_required=0)
