"""Times counted from an epoch, as formats that astropy knows."""

from decimal import Decimal

from astropy import units
from astropy.time import TIME_SCALES, ScaleValueError, Time, TimeFromEpoch
from astropy.time.formats import TIME_FORMATS

SCALES = tuple(scale for scale in TIME_SCALES if scale != "local")


def register_epoch_format(
    name: str, *, unit: str, epoch: Decimal, epoch_scale: str, epoch_format: str
) -> type[TimeFromEpoch]:
    """Teach astropy to count ``unit`` since an epoch under ``name``; again replaces it.

    Parameters
    ----------
    name : str
        As in ``Time(1325.5, format=name)``; a Python identifier.
    unit : str
        An astropy unit of time, "d" or "s".
    epoch : Decimal
        Zero of the count in ``epoch_format``; kept to all its digits in two floats.
    epoch_scale, epoch_format : str
        How astropy reads the epoch, such as "tdb" and "jd".

    Raises
    ------
    ValueError
        If astropy has another format of that name, or cannot use unit, scale or format.
    """
    days = check_epoch_format(name, unit, epoch, epoch_scale, epoch_format)
    whole, rest = divmod(epoch, 1)
    return type(
        f"Time_{name}",
        (TimeFromEpoch,),
        {
            "__doc__": f"Counts {unit} since {epoch_format} {epoch} {epoch_scale}.",
            "name": name,
            "unit": days,
            "epoch_val": float(whole),
            "epoch_val2": float(rest),
            "epoch_scale": epoch_scale,
            "epoch_format": epoch_format,
        },
    )


def check_epoch_format(
    name: str, unit: str, epoch: Decimal, epoch_scale: str, epoch_format: str
) -> float:
    """Give the days in one ``unit``, after the checks of `register_epoch_format`."""
    _check_name(name)
    _check_epoch(epoch, epoch_scale, epoch_format)
    return _days(unit)


def _check_name(name: str) -> None:
    if not name.isidentifier():
        raise ValueError(f"time format name is {name!r}; it must be letters, digits and _")
    known = TIME_FORMATS.get(name)
    if known is not None and known.__module__ != __name__:
        raise ValueError(f"time format name is {name!r}; astropy has a format of that name")


def _days(unit: str) -> float:
    try:
        return float(units.Unit(unit).to(units.day))
    except (ValueError, units.UnitConversionError) as error:
        raise ValueError(f"time unit is {unit!r}; it must be a unit of time, as d or s") from error


def _check_epoch(epoch: Decimal, scale: str, epoch_format: str) -> None:
    if scale not in SCALES:
        raise ValueError(f"time epoch scale is {scale!r}; it must be one of {', '.join(SCALES)}")
    try:
        Time(float(epoch), format=epoch_format, scale=scale)
    except (ValueError, ScaleValueError) as error:
        raise ValueError(
            f"astropy cannot read the epoch {epoch} as {epoch_format!r} ({scale}): {error}"
        ) from error
