"""Labelled stamps from files as the stamp network takes them, and its figures on them."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection import metrics
from detection.card import CLASSIFIER
from detection.stampnet.serving import judge
from detection.stampnet.stamps import (
    ARTIFACT,
    CLASSES,
    UNKNOWN,
    Stamps,
    fitted,
    unlabelled,
)
from detection.stamps import Stamps as FileStamps
from detection.stamps import figures_of, read_stamps, score_stamps
from detection.weights import Weights

# What catalogues call things, and what they are here.
CATALOGUE = {
    "sn": "supernova", "supernova": "supernova",
    "variable": "variable", "agn": "variable", "cv": "variable",
    "asteroid": "transient", "transient": "transient",
}  # fmt: skip
# Packets write the width of the candidate itself for the seeing; beyond this it is no seeing.
NARROWEST, WIDEST = 1.3, 6.0


def labelled(found: FileStamps) -> Stamps:
    """Give stamps of a file as the network takes them."""
    kinds = [CATALOGUE.get(name.strip().lower(), UNKNOWN) for name in found.classes.tolist()]
    count = len(found.pixels)
    objects = np.arange(count) if found.objects is None else found.objects
    return Stamps(
        planes=fitted(np.asarray(found.pixels[:, :3])),
        fwhm=np.clip(found.fwhm, NARROWEST, WIDEST),
        sign=found.sign,
        history=found.history,
        kind=np.where(found.is_real, kinds, ARTIFACT).astype("U10"),
        group=np.asarray(objects, str),
        weight=np.ones(count),
    )


def sky_of(path: Path) -> Stamps:
    """Read stamps that nobody labelled: sky to put changes and artifacts into.

    Raises
    ------
    BadImage
        If the file cannot be used, see :func:`detection.stamps.read_stamps`.
    """
    found = read_stamps(path, is_labelled=False)
    objects = found.objects if found.objects is not None else np.arange(len(found.pixels))
    sky = unlabelled(
        fitted(np.asarray(found.pixels[:, :3])),
        np.clip(found.fwhm, NARROWEST, WIDEST),
        sign=found.sign,
    )
    return replace(sky, group=np.array([f"{path.stem} {name}" for name in objects.tolist()]))


def confidences(network: Weights, found: FileStamps) -> NDArray[np.float64]:
    """Give the confidence of the stamp network, or of the U-Net, for every stamp."""
    if network.card.model_type == CLASSIFIER:
        return np.asarray(judge(network, labelled(found)).confidence, np.float64)
    return score_stamps(network, found)


def evaluate(network: Weights, found: FileStamps) -> dict[str, Any]:
    """Measure the stamp network, or the U-Net, on labelled stamps.

    Returns
    -------
    dict
        That of :func:`detection.stamps.figures_of`. Of the stamp network also ``classes``, for
        each class that the labels name how often the likeliest class is the right one, and the
        mean ``uncertainty``.
    """
    if network.card.model_type != CLASSIFIER:
        return figures_of(score_stamps(network, found), found, network.card)
    stamps = labelled(found)
    judged = judge(network, stamps)
    return figures_of(judged.confidence, found, network.card) | {
        "classes": class_figures(judged.kinds, stamps.kind),
        "uncertainty": float(judged.uncertainty.mean()),
    }


def class_figures(kinds: NDArray[np.floating], truth: NDArray[np.str_]) -> dict[str, Any]:
    """Give, for each class among real ones, the share that is called by its name."""
    likeliest = np.array(CLASSES)[kinds[:, : len(CLASSES)].argmax(axis=1)]
    return {
        name: {
            "n": int((truth == name).sum()),
            **asdict(metrics.share(likeliest[truth == name] == name)),
        }
        for name in CLASSES
        if (truth == name).any()
    }
