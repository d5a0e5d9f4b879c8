"""The entries of a rule file: what frames are, and which are subtracted from which."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from observations.fits_time import HeaderTime
from observations.frame_kind import FrameKind
from observations.rule_values import Table

REFERENCE, SCIENCE = "reference", "science"
# What a pattern may say of frames whose headers do not: they are no observations then.
CALIBRATION = tuple(kind.value for kind in FrameKind if kind is not FrameKind.LIGHT)
ROLES = (REFERENCE, SCIENCE, *CALIBRATION)


@dataclass(frozen=True)
class FrameRule:
    """What the files of one name pattern are.

    Attributes
    ----------
    pattern : str
        Shell pattern of the file name (``*``, ``?``, ``[a-e]``), case matters.
    role : str
        ``reference`` or ``science``; ``bias``, ``dark`` or ``flat`` where the header does not say.
    epoch : str
        Name of the group of frames, for `DifferenceRule`.
    observed_at : datetime or HeaderTime, optional
        Overrides the header's time.
    """

    pattern: str
    role: str
    epoch: str
    observed_at: datetime | HeaderTime | None = None

    @classmethod
    def read(cls, table: Table) -> Self:
        """Read one ``[[frames]]`` table."""
        table.only("pattern", "role", "epoch", "observed_at")
        role = table.text("role")
        if role not in ROLES:
            raise table.refuse("role", role, f"one of {', '.join(ROLES)}")
        epoch = table.text("epoch", "") if role in CALIBRATION else table.text("epoch")
        return cls(table.text("pattern"), role, epoch, _observed_at(table))

    def as_dict(self) -> dict[str, Any]:
        """Give the table again, with plain JSON values."""
        made: dict[str, Any] = {"pattern": self.pattern, "role": self.role, "epoch": self.epoch}
        if isinstance(self.observed_at, HeaderTime):
            made["observed_at"] = vars(self.observed_at).copy()
        elif self.observed_at is not None:
            made["observed_at"] = self.observed_at.isoformat()
        return made


def _observed_at(table: Table) -> datetime | HeaderTime | None:
    value = table.values.get("observed_at")
    if isinstance(value, dict):
        inner = table.inner("observed_at")
        inner.only("keyword", "pattern", "format")
        return HeaderTime(inner.text("keyword"), inner.regex("pattern"), inner.text("format"))
    return None if value is None else table.moment("observed_at")


@dataclass(frozen=True)
class DifferenceRule:
    """Subtract every frame of one epoch from every frame of another.

    A ``control`` is a subtraction in which nothing can have changed: what is found is false.
    With both epochs equal it takes each frame against every other of the group.
    """

    science: str
    reference: str
    control: bool = False

    @classmethod
    def read(cls, table: Table) -> Self:
        """Read one ``[[differences]]`` table."""
        table.only("science", "reference", "control")
        rule = cls(table.text("science"), table.text("reference"), table.flag("control", False))
        if rule.science == rule.reference and not rule.control:
            raise table.refuse(
                "reference", rule.reference, "another epoch than science, or control = true"
            )
        return rule
