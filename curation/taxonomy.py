"""The words people judge with: version 1, written after every migration where missing."""

from dataclasses import dataclass
from typing import Any

from curation.errors import UnknownLabel
from curation.models import ValidationLabel
from detection.models import DetectionType

_T = DetectionType


@dataclass(frozen=True)
class Word:
    """One label: the class it counts as, whether something is there, what it means."""

    name: str
    detection_type: DetectionType
    is_real: bool
    description: str


VERSION_1 = (
    Word("supernova", _T.SUPERNOVA, True, "Exploding star, on or near a galaxy."),
    Word("variable", _T.VARIABLE, True, "Star whose brightness changes."),
    Word("transient", _T.TRANSIENT, True, "New source of a kind not known yet."),
    Word("unknown", _T.UNKNOWN, True, "Something is there; what it is cannot be said."),
    Word("artifact", _T.ARTIFACT, False, "Nothing is there; made by optics, detector or software."),
    Word("agn", _T.VARIABLE, True, "Active galactic nucleus: varies at a galaxy's centre."),
    Word("cv", _T.VARIABLE, True, "Cataclysmic variable in outburst."),
    Word("nova", _T.TRANSIENT, True, "Classical nova."),
    Word("tde", _T.TRANSIENT, True, "Tidal disruption event at a galaxy's centre."),
    Word("asteroid", _T.TRANSIENT, True, "Moving object of the solar system."),
    Word("cosmic_ray", _T.ARTIFACT, False, "Hit of a charged particle: sharper than a star."),
    Word("dipole", _T.ARTIFACT, False, "Bright and dark lobe of a star that was not aligned."),
    Word("saturation", _T.ARTIFACT, False, "Saturated star, its bleed trail or its halo."),
    Word("bad_subtraction", _T.ARTIFACT, False, "Residual of a galaxy or star left by the PSF."),
    Word("satellite", _T.ARTIFACT, False, "Trail of a satellite or an aeroplane."),
    Word("bad_pixel", _T.ARTIFACT, False, "Hot pixel, dead column or edge of the detector."),
)
# The five a curator reaches with one key, in the order of the keys.
MAIN = tuple(word.name for word in VERSION_1[:5])


def ensure(labels: Any) -> None:
    """Write the words of version 1 that ``labels``, a manager, does not have yet."""
    rows = [
        labels.model(
            name=word.name,
            detection_type=word.detection_type,
            is_real=word.is_real,
            description=word.description,
        )
        for word in VERSION_1
    ]
    labels.bulk_create(rows, ignore_conflicts=True)


def label_of(name: str) -> ValidationLabel:
    """Give the newest active version of a label.

    Raises
    ------
    UnknownLabel
        If no active label has this name; the message lists those that have one.
    """
    active = ValidationLabel.objects.filter(is_active=True)
    found = active.filter(name=name).order_by("-version").first()
    if found is None:
        known = ", ".join(sorted(set(active.values_list("name", flat=True))))
        raise UnknownLabel(f"no label is called {name!r}; there are {known}")
    return found


def types_by_label() -> dict[str, str]:
    """Give the class that each label ever used counts as, newest version."""
    rows = ValidationLabel.objects.order_by("version").values_list("name", "detection_type")
    return dict(rows)
