"""Networks on files of labelled stamps, measured in pairs and kept as proof."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrid.core.errors import BadImage, BadWeights
from detection import registry
from detection.card import ANOMALY
from detection.comparison import Pair, compare, shortcomings
from detection.errors import NotPromotable
from detection.models import Comparison, Model
from detection.parameters import PromotionMargins
from detection.stampnet.labelled import confidences
from detection.stamps import Stamps, read_stamps
from detection.surveyscores import beside_survey


def try_out(
    challenger: Model, champion: Model, path: Path, margins: PromotionMargins, *, is_real_set: bool
) -> Comparison:
    """Measure two networks on one file of labelled stamps and keep the result.

    Raises
    ------
    NotPromotable
        If both are the same network.
    BadImage
        If the file cannot be used.
    BadWeights
        If weights cannot be used.
    """
    if challenger == champion:
        raise NotPromotable(f"{challenger} is compared with itself: name another network")
    stamps = read_stamps(path)
    pair = _pair(challenger, champion, stamps, path)
    survey_scores = beside_survey(pair.new, pair.is_real, pair.groups, stamps.survey_scores)
    figures = compare(pair)
    return Comparison.objects.create(
        challenger=challenger,
        champion=champion,
        set_name=path.name[:200],
        set_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        is_real_set=is_real_set,
        real=int(stamps.is_real.sum()),
        bogus=int((~stamps.is_real).sum()),
        figures=figures,
        survey_scores=survey_scores,
        margins=asdict(margins),
        shortcomings=shortcomings(figures, stamps.is_real, margins),
    )


def _pair(challenger: Model, champion: Model, stamps: Stamps, path: Path) -> Pair:
    try:
        old, new = (_confidence(row, stamps) for row in (champion, challenger))
    except ValueError as error:
        raise BadImage(f"{path}: {error}") from error
    return Pair(old, new, stamps.is_real, stamps.objects)


def _confidence(row: Model, stamps: Stamps) -> NDArray[np.float64]:
    network = registry.open_weights(row)
    if network.card.model_type == ANOMALY:
        raise BadWeights(f"{row} is a {row.model_type}, which scores no labelled stamps")
    return confidences(network, stamps)


def report_of(comparison: Comparison) -> dict[str, Any]:
    """Give a comparison as one JSON object."""
    return {
        "set": comparison.set_name,
        "sha256": comparison.set_sha256,
        "is_real_set": comparison.is_real_set,
        "real": comparison.real,
        "bogus": comparison.bogus,
        "champion": str(comparison.champion),
        "challenger": str(comparison.challenger),
        **comparison.figures,
        "survey_scores": comparison.survey_scores,
        "margins": comparison.margins,
        "shortcomings": comparison.shortcomings,
        "is_proof": comparison.is_proof,
    }
