"""What can be tuned in building references; stored on the run that used it."""

from dataclasses import dataclass

from astrid.core.parameters import check_limits, tunable
from preprocessing.parameters import StackParameters


@dataclass(frozen=True, kw_only=True)
class ReferenceParameters(StackParameters):
    """Which frames of a sky cell make a reference, when, and how they are combined."""

    min_frames: int = tunable(5, "fewer good frames make no stack", unit="frames", ge=2)
    max_frames: int = tunable(20, "the best this many are stacked", unit="frames", ge=2, le=500)
    new_frames: int = tunable(
        5, "so many new frames have a cell looked at again", unit="frames", ge=1
    )
    min_age_days: float = tunable(
        60.0,
        "a science frame is stacked once its cell has one so much later: what is bright for less "
        "than this is not in the reference of later frames",
        unit="d",
        ge=0,
    )
    max_seeing_ratio: float = tunable(
        1.5, "seeing over the median of the cell; wider frames are left out", gt=1
    )
    max_limit_ratio: float = tunable(
        2.0, "limiting flux over the median of the cell; shallower frames are left out", gt=1
    )
    max_sky_ratio: float = tunable(
        4.0, "sky over the median of the cell; brighter frames are left out", gt=1
    )
    max_clipped: float = tunable(
        0.02, "share of a frame that the others do not show; beyond it is left out", gt=0, le=1
    )
    margin: float = tunable(
        0.01,
        "a stack replaces another when it keeps so much more of a typical frame's S/N",
        ge=0,
        le=1,
    )

    def __post_init__(self) -> None:
        """Refuse values that no stack can be made with."""
        super().__post_init__()
        check_limits(self)
        if self.min_frames > self.max_frames:
            raise ValueError(
                f"min_frames is {self.min_frames}: it must not be above max_frames, "
                f"{self.max_frames}"
            )
