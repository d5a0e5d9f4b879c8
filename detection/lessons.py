"""What people taught: judged detections with their label, weight and side of the split."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from detection.models import Detection

# HEALPix cells of this order are 1.7 arcmin wide: all epochs of a thing lie in one cell.
SPLIT_ORDER = 11
FULL_ORDER = 29  # of the stored cells
LEARNING, CALIBRATION, JUDGING = "training", "calibration", "test"


@dataclass(frozen=True)
class Lesson:
    """One judged detection.

    Attributes
    ----------
    kind : str
        supernova, variable, transient, unknown or artifact.
    label : str
        The word that was used.
    way : str
        How it came to be judged: ``random sample``, ``queue`` or ``by hand``.
    weight : float
        Certainty of the verdict times how many candidates it stands for.
    """

    detection: Detection
    is_real: bool
    kind: str
    label: str
    way: str
    weight: float

    @property
    def cell(self) -> int:
        """The part of the sky by which lessons are split; that of its object where it has one."""
        place = self.detection.sky_object or self.detection
        return int(place.hpx) >> 2 * (FULL_ORDER - SPLIT_ORDER)

    def is_test(self, share: float) -> bool:
        """Say whether its part of the sky is for judging: the same at every retraining."""
        return self._lot < share

    def part(self, test_share: float, calibration_share: float) -> str:
        """Say what its part of the sky is for: learning, calibration or judging.

        ``calibration_share`` is that of the sky that is not for judging.
        """
        if self.is_test(test_share):
            return JUDGING
        calibrates = self._lot < test_share + (1 - test_share) * calibration_share
        return CALIBRATION if calibrates else LEARNING

    @property
    def _lot(self) -> float:
        """A number from 0 to 1 that chance gave to its part of the sky, once for all."""
        digest = sha256(f"test {self.cell}".encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48


def counted(lessons: Iterable[Lesson]) -> list[dict[str, object]]:
    """Count lessons by label, way and survey, and add up their weights."""
    rows: dict[tuple[str, str, str], list[float]] = {}
    for one in lessons:
        survey = one.detection.observation.survey.name
        rows.setdefault((one.label, one.way, survey), []).append(one.weight)
    return [
        {"label": label, "from": way, "survey": survey, "rows": len(all_), "weight": sum(all_)}
        for (label, way, survey), all_ in sorted(rows.items())
    ]
