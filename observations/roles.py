"""Which frames are references, and which frame is subtracted from which."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product

import numpy as np
from astropy.coordinates import angular_separation
from astropy.io import fits

from observations.fits import Frame
from observations.fits_blocks import card
from observations.rule_entries import REFERENCE, SCIENCE, DifferenceRule
from observations.rules import IngestRules

ROLE_KEYWORDS = ("OBSTYPE", "ROLE", "IMAGETYP")
REFERENCE_WORDS = ("reference", "template", "ref")
# Frames taken within this time of the first belong to its epoch: one night, never two.
NIGHT_DAYS = 0.5


@dataclass(frozen=True)
class Facts:
    """What decides a frame's role: enough of it to be built from a table row.

    ``radius_deg`` is half the diagonal; ``role`` and ``epoch`` are None while unknown.
    """

    name: str
    ra: float
    dec: float
    radius_deg: float
    filter_band: str
    mjd: float
    role: str | None = None
    epoch: str | None = None


@dataclass(frozen=True)
class Difference:
    """One subtraction to be made, by frame names."""

    science: str
    reference: str
    control: bool = False


def facts_of(frame: Frame, rules: IngestRules, name: str | None = None) -> Facts:
    """Collect the facts of a frame; its role comes from the rules, else from its header."""
    name = name or frame.name
    rule = rules.match(name.rsplit("/", 1)[-1])
    diagonal = (frame.width**2 + frame.height**2) ** 0.5 * frame.pixel_scale_arcsec / 3600
    return Facts(
        name,
        frame.ra,
        frame.dec,
        diagonal / 2,
        frame.filter_band,
        frame.mjd,
        rule.role if rule else header_role(frame.header),
        rule.epoch if rule else None,
    )


def header_role(header: fits.Header) -> str | None:
    """Role that the header states itself; None when it does not."""
    words = [str(card(header, keyword) or "").strip().lower() for keyword in ROLE_KEYWORDS]
    if any(word in REFERENCE_WORDS for word in words):
        return REFERENCE
    return SCIENCE if SCIENCE in words else None


def assign(frames: Iterable[Facts]) -> list[Facts]:
    """Give a role to every frame that has none yet.

    Of each filter and pointing the frames of the earliest night become references, unless
    one is a reference already; all others become science.
    """
    frames = list(frames)
    groups: list[list[Facts]] = []
    for facts in sorted(frames, key=lambda each: each.mjd):
        home = next((group for group in groups if same_pointing(group[0], facts)), None)
        if home is None:
            groups.append([facts])
        else:
            home.append(facts)
    roles = {
        facts.name: role
        for group in groups
        for facts, role in zip(group, roles_in(group), strict=True)
    }
    return [replace(facts, role=roles[facts.name]) for facts in frames]


def roles_in(group: Sequence[Facts]) -> list[str]:
    """Roles of frames of one filter and pointing, in the order of their times."""
    has_reference = any(facts.role == REFERENCE for facts in group)
    open_mjd = [facts.mjd for facts in group if facts.role is None]
    first_night = -1.0 if has_reference or not open_mjd else open_mjd[0] + NIGHT_DAYS
    return [facts.role or (REFERENCE if facts.mjd <= first_night else SCIENCE) for facts in group]


def separation_deg(one: Facts, other: Facts) -> float:
    """Angle between two frame centres."""
    return float(
        np.degrees(angular_separation(*np.radians([one.ra, one.dec, other.ra, other.dec])))
    )


def same_pointing(one: Facts, other: Facts) -> bool:
    """Whether two frames share a filter and most of their area (centres within half a radius)."""
    return one.filter_band == other.filter_band and separation_deg(one, other) <= 0.5 * min(
        one.radius_deg, other.radius_deg
    )


def overlaps(one: Facts, other: Facts) -> bool:
    """Whether two frames share a filter and may share sky (their circles touch)."""
    return (
        one.filter_band == other.filter_band
        and separation_deg(one, other) < one.radius_deg + other.radius_deg
    )


def differences(rules: IngestRules, frames: Iterable[Facts]) -> list[Difference]:
    """List the subtractions that the rules ask for, among frames that overlap.

    A science frame that appears in none has no reference; a frame is never subtracted from
    itself.

    Parameters
    ----------
    rules : IngestRules
    frames : iterable of Facts
        With their roles, as `assign` gives them.
    """
    frames = list(frames)
    if not rules.differences:
        references = [facts for facts in frames if facts.role == REFERENCE]
        science = [facts for facts in frames if facts.role == SCIENCE]
        pairs = ((one, other, False) for one, other in product(science, references))
    else:
        pairs = (entry for rule in rules.differences for entry in pairs_of(rule, frames))
    return [
        Difference(one.name, other.name, control)
        for one, other, control in pairs
        if one.name != other.name and overlaps(one, other)
    ]


def pairs_of(rule: DifferenceRule, frames: Sequence[Facts]) -> Iterator[tuple[Facts, Facts, bool]]:
    """Give the (science, reference) frames of one rule, each ordered pair once."""
    science = [facts for facts in frames if facts.epoch == rule.science]
    reference = [facts for facts in frames if facts.epoch == rule.reference]
    if rule.science == rule.reference:
        chosen: Iterable[tuple[Facts, Facts]] = permutations(science, 2)
    else:
        chosen = product(science, reference)
    for one, other in chosen:
        yield one, other, rule.control
