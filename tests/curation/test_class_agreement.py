import numpy as np
import pytest

from curation.agreement import Votes, dawid_skene
from curation.class_agreement import ClassVotes, class_probabilities


def crowd(seed, *, people=6, items=400, labels=3, skills=None):
    """Everybody labels everything; each is right as often as their skill says."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, labels, items)
    skills = np.full(people, 0.8) if skills is None else np.asarray(skills)
    right = rng.random((people, items)) < skills[:, None]
    wrong = (truth + rng.integers(1, labels, (people, items))) % labels
    said = np.where(right, truth, wrong)
    person, item = np.indices(said.shape).reshape(2, -1)
    return truth, ClassVotes(item, person, said.ravel(), labels)


def test_with_two_classes_it_is_the_model_of_two_classes():
    _, votes = crowd(1, labels=2, skills=[0.9, 0.8, 0.7, 0.6, 0.8, 0.55])
    wanted = dawid_skene(Votes(votes.item, votes.person, votes.label == 1)).probability
    np.testing.assert_allclose(class_probabilities(votes)[:, 1], wanted, atol=1e-5)


def test_one_who_is_right_outweighs_several_who_guess():
    truth, votes = crowd(2, skills=[0.97, 0.34, 0.34, 0.34, 0.9], people=5)
    found = class_probabilities(votes)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    # chance that the two good ones are both wrong: 0.3 %, that they differ: 12 %
    assert np.mean(found.argmax(axis=1) == truth) > 0.93
    share = np.zeros((truth.size, 3))
    np.add.at(share, (votes.item, votes.label), 1)
    assert np.mean(share.argmax(axis=1) == truth) < 0.85  # what the majority reaches


def test_the_order_of_the_labels_does_not_matter():
    _, votes = crowd(3)
    order = np.random.default_rng(4).permutation(votes.item.size)
    shuffled = ClassVotes(votes.item[order], votes.person[order], votes.label[order], 3)
    np.testing.assert_allclose(class_probabilities(votes), class_probabilities(shuffled), atol=1e-9)


@pytest.mark.parametrize(
    ("item", "label", "labels"), [([], [], 2), ([0], [0, 1], 2), ([0], [2], 2), ([0], [0], 1)]
)
def test_labels_that_do_not_belong_together_are_refused(item, label, labels):
    with pytest.raises(ValueError, match="label"):
        ClassVotes(np.array(item, int), np.zeros(len(item), int), np.array(label, int), labels)
