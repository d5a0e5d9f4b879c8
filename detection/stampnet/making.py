"""Labelled stamps made by putting a change or an artifact where nothing changes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detection.stampnet.changes import SUPERNOVA, TRANSIENT, VARIABLE, Ground, change
from detection.stampnet.grounds import MIDDLE
from detection.stampnet.spoiling import disturb, spoil
from detection.stampnet.stamps import ARTIFACT, Stamps, joined

REAL_SHARE = 0.5
SIGN_KNOWN_SHARE = 0.5
# What is written of the seeing is not what it is: packets give the width of the candidate.
SEEING_ERROR = 0.25
NARROWEST, WIDEST = 1.3, 6.0  # px
# Median number of detections and the scatter of its logarithm.
EPOCHS = {SUPERNOVA: (18, 1.3), VARIABLE: (200, 1.7), TRANSIENT: (1.2, 0.4)}


def fabricate(grounds: Sequence[tuple[Ground, str]], rng: np.random.Generator) -> Stamps:
    """Make a change or an artifact on each ground.

    Half of them are real, whatever the ground, so that the ground says nothing about the label.
    """
    made = [_fabricate(ground, group, rng) for ground, group in grounds]
    return joined([one for one in made if one is not None])


def _fabricate(ground: Ground, group: str, rng: np.random.Generator) -> Stamps | None:
    ground = disturb(rng, ground)
    if rng.random() < REAL_SHARE:
        planes, sign, kind = change(rng, ground)
    else:
        (planes, sign), kind = spoil(rng, ground), ARTIFACT
    part = slice(MIDDLE - 2, MIDDLE + 3)
    if np.isfinite(planes[0, part, part]).sum() < 5 or np.isfinite(planes[0]).mean() < 0.12:
        return None
    told = float(np.clip(ground.fwhm * np.exp(rng.normal(0, SEEING_ERROR)), NARROWEST, WIDEST))
    is_known = rng.random() < SIGN_KNOWN_SHARE
    kind, history = remembered(kind, rng)
    return Stamps(
        planes[None], np.array([told]), np.array([sign if is_known else 0.0]), np.array([history]),
        np.array([kind]), np.array([group]), np.ones(1),
    )  # fmt: skip


def remembered(kind: str, rng: np.random.Generator) -> tuple[str, float]:
    """Draw how often a place was seen to change, for half of the real ones, and what follows.

    Assumed, not measured: stars vary for as long as a survey looks, supernovae for weeks, and
    what moves is seen once or twice. So a new star without a host that has stayed is a supernova
    whose host is too faint.
    """
    if kind not in EPOCHS or rng.random() < 0.5:
        return kind, float("nan")
    has_stayed = kind == TRANSIENT and rng.random() < 0.5
    kind = SUPERNOVA if has_stayed else kind
    typical, spread = EPOCHS[kind]
    least = 3 if has_stayed else 1
    return kind, float(max(least, round(np.exp(rng.normal(np.log(typical), spread)))))


def with_histories(stamps: Stamps, rng: np.random.Generator) -> Stamps:
    """Give simulated changes the histories of which simulations know nothing."""
    drawn = [remembered(kind, rng) for kind in stamps.kind.tolist()]
    kinds, histories = zip(*drawn, strict=True)
    return replace(stamps, kind=np.array(kinds, "U10"), history=np.array(histories))
