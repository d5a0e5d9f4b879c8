"""Model cards as pages, whatever the network does."""

from typing import Any

from detection import documentation
from detection.card import ANOMALY, Card

ANOMALY_PAGE = """\
# Model card: {name} {version}

Made from the card beside the weights (`detection/modelcards.py`); do not edit.

## What it is for
It says of a candidate how far the embedding that {classifier} makes of it lies from those of
every real change that network has learned. Beyond the threshold a detection is of the type
`unknown`, whatever the probabilities of its classes are. It judges no candidate real or not.

## What it is
The Mahalanobis distance to the nearest of the class means, the covariance within classes being
shrunk by {shrinkage:g} towards its diagonal (Lee et al. 2018, arXiv:1807.03888): {parameters}
numbers. It measures the embeddings of the weights with SHA-256 `{embedding_of}` and is refused
beside any other.

## What it learned from
The {samples} real changes that the classifier was trained on; the threshold is the distance that
{false_rate:.1%} of {held_out} real ones exceed whose sky neither was fitted to. Artifacts are left
out: they come in every shape, and are rejected anyway.

## How good it is
Of those {held_out}, {value:.2%} are called unknown (95 % interval {low:.2%} to {high:.2%}). They
are simulated: the share on the sky of a survey that nothing was learned from is another one.
{remarks}
## Known limits
* What looks like something known to the classifier is near, however strange it is to people.
* A survey unlike all that was learned may be far as a whole: watch the share of `unknown`.
"""


def page_of(card: Card) -> str:
    """Give the card of a network as Markdown."""
    return anomaly_page(card) if card.model_type == ANOMALY else documentation.page(card)


def anomaly_page(card: Card) -> str:
    """Give the card of an anomaly detector."""
    facts: dict[str, Any] = card.training | card.metrics["called_unknown"]
    remarks = "".join(f"\n* {remark}" for remark in card.remarks)
    return ANOMALY_PAGE.format(
        name=card.name,
        version=card.version,
        parameters=card.architecture["parameters"],
        remarks=f"{remarks}\n" if remarks else "",
        **facts,
    )
