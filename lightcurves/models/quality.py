"""What is wrong with cadences, as bits with names."""

from collections.abc import Collection
from enum import IntFlag
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from django.core.exceptions import ValidationError
from django.db import models

from astrid.core.arrays import NumpyArrayField
from lightcurves.models.kinds import KindRow
from lightcurves.models.missions import Target
from lightcurves.models.observations import Observation, check_cadence_counts
from lightcurves.models.rows import holding


class QualityFlagArray(KindRow, kind="base_quality_flag"):
    """One integer per cadence, for all targets of an observation or for one of them."""

    DERIVED: ClassVar = {"quality_flags": frozenset({"n", "flagged"})}
    BITS: ClassVar[type[IntFlag] | None] = None
    # Bits that say something of a cadence, but nothing against it.
    HARMLESS: ClassVar[int] = 0

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=100, default="base_quality_flag")
    observation = models.ForeignKey(Observation, models.CASCADE, related_name="quality_flag_arrays")
    target = models.ForeignKey(
        Target, models.CASCADE, null=True, blank=True, related_name="quality_flag_arrays"
    )
    quality_flags = NumpyArrayField(dtypes=("int64", "int32"))
    n = models.PositiveIntegerField(editable=False)
    flagged = models.PositiveIntegerField(editable=False, help_text="Cadences with any bit set.")
    created_on = models.DateTimeField(auto_now_add=True)

    class Meta(KindRow.Meta):
        ordering = ["id"]
        indexes = KindRow.Meta.indexes[:1]  # the unique constraint serves type
        constraints = [
            models.UniqueConstraint(
                fields=["type", "observation", "target"],
                name="qualityflagarray_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} of observation {self.observation_id}"

    @classmethod
    def prepare_rows(cls, rows: Collection[Any]) -> None:
        """Check kind, bits and number of the flags."""
        super().prepare_rows(rows)
        changed = holding(rows, "quality_flags")
        for row in changed:
            row.count_flags()
        check_cadence_counts(changed)

    def count_flags(self) -> None:
        """Fill in number and number flagged; refuse negative numbers, which are no set of bits."""
        flags = self.take_array("quality_flags")
        if (flags < 0).any():
            raise ValidationError(f"quality_flags has {flags.min()}; bits are not negative")
        self.n, self.flagged = flags.size, int(np.count_nonzero(flags))

    def mask(self, *names: str) -> npt.NDArray[np.bool_]:
        """Tell for each cadence whether any of the named bits is set; any bit if none is named."""
        flags: Any = self.quality_flags
        wanted = sum({self.bit(name).value for name in names}) if names else -1
        return np.asarray((flags & wanted) != 0)

    def unusable(self) -> npt.NDArray[np.bool_]:
        """Tell for each cadence whether a bit speaks against it."""
        flags: Any = self.quality_flags
        return np.asarray((flags & ~self.HARMLESS) != 0)

    def has(self, name: str) -> npt.NDArray[np.bool_]:
        """Tell for each cadence whether the named bit is set."""
        return self.mask(name)

    def decode(self, cadence: int) -> list[str]:
        """Name the bits set at the cadence with this index; unnamed ones are ``bit_N``, from 0."""
        return self.decode_bits(int(self.quality_flags[cadence]))

    def decode_bits(self, value: int) -> list[str]:
        """Name the bits that are set in a number."""
        return [self._name(place) for place in range(value.bit_length()) if value >> place & 1]

    def bit(self, name: str) -> IntFlag:
        """Give a bit by its name; KeyError lists the names this kind has."""
        names = {} if self.BITS is None else dict(self.BITS.__members__)
        if name not in names:
            known = ", ".join(names) or "none"
            raise KeyError(f"{self.type} has no bit {name!r}; it has {known}")
        return names[name]

    def _name(self, place: int) -> str:
        members = () if self.BITS is None else self.BITS
        return next(
            (bit.name for bit in members if bit.value == 1 << place and bit.name), f"bit_{place}"
        )
