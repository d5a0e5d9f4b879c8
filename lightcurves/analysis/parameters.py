"""What each analysis can be told; times in days, figures of curves in their unit."""

from dataclasses import dataclass

from lightcurves.analysis.variability import PAIR_DAYS


@dataclass(frozen=True)
class Detrending:
    """How a trend is taken out; ``divide`` None divides fluxes and subtracts from magnitudes."""

    width: float = 1.0
    method: str = "biweight"
    divide: bool | None = None
    gap: float | None = None
    flagged: bool = False


@dataclass(frozen=True)
class Clipping:
    """What is far from the rest."""

    lower: float = 5.0
    upper: float = 5.0
    scale: str = "mad_std"
    flagged: bool = False


@dataclass(frozen=True)
class Binning:
    """What is put together: a stretch of time, or a number of points."""

    width: float | None = None
    points: int | None = None
    flagged: bool = False

    def __post_init__(self) -> None:
        if (self.width is None) is (self.points is None):
            raise ValueError(f"width is {self.width} and points is {self.points}; give one of them")


@dataclass(frozen=True)
class Variation:
    """What is a pair of points."""

    pair_days: float = PAIR_DAYS
    flagged: bool = False


@dataclass(frozen=True)
class PeriodSearch:
    """Among which periods one is looked for, and how closely."""

    shortest: float | None = None
    longest: float | None = None
    oversampling: int = 10
    peaks: int = 8
    harmonics: int = 6
    flagged: bool = False


@dataclass(frozen=True)
class TransitSearch:
    """Among which periods and durations a transit is looked for."""

    durations: tuple[float, ...] = (0.05, 0.1, 0.2, 0.33)
    shortest: float | None = None
    longest: float | None = None
    flagged: bool = False
