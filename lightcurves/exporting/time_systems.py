"""How a mission counts time, as files say it."""

from dataclasses import dataclass
from decimal import Decimal

from astropy.time import Time

from lightcurves.models import Mission

_MJD_ORIGIN = Decimal("2400000.5")


@dataclass(frozen=True)
class TimeSystem:
    """A count of time.

    Attributes
    ----------
    name : str
        What astropy calls it: btjd.
    unit : str
        d or s.
    scale : str
        Such as tdb.
    origin_jd : Decimal
        Its zero, a Julian date in that scale.
    place : str
        Where the clock stands, in words of the VO: BARYCENTER or TOPOCENTER.
    """

    name: str
    unit: str
    scale: str
    origin_jd: Decimal
    place: str

    @property
    def words(self) -> str:
        """Say it to a reader."""
        clock = "barycentric" if self.place == "BARYCENTER" else "of the observer"
        return f"JD - {self.origin_jd.normalize():f} ({self.scale.upper()}, {clock})"


def time_system(mission: Mission) -> TimeSystem:
    """Give a mission's count: dynamical time is the barycentre's, any other the observer's."""
    scale = mission.time_epoch_scale
    return TimeSystem(
        name=mission.time_format_name,
        unit=mission.time_unit,
        scale=scale,
        origin_jd=_origin_jd(mission),
        place="BARYCENTER" if scale in ("tdb", "tcb") else "TOPOCENTER",
    )


def _origin_jd(mission: Mission) -> Decimal:
    """Give the zero as a Julian date, exact where the mission states one."""
    epoch = Decimal(mission.time_epoch)
    if mission.time_epoch_format in ("jd", "mjd"):
        return epoch + (_MJD_ORIGIN if mission.time_epoch_format == "mjd" else 0)
    found = Time(float(epoch), format=mission.time_epoch_format, scale=mission.time_epoch_scale)
    return Decimal(float(found.jd1)) + Decimal(float(found.jd2))
