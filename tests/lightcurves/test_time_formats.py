"""A mission's count of time is a time format of astropy."""

from decimal import Decimal

import pytest
from astropy.time import Time
from django.core.exceptions import ValidationError

from lightcurves.models import Mission


def mission(**changes):
    count = {"name": "TESS", "time_epoch": Decimal(2457000), "time_format_name": "btjd"}
    return Mission(**count | changes)


def test_btjd_is_barycentric_julian_date_less_2457000():
    mission().register_time_format()
    time = Time(1325.29278, format="btjd", scale="tdb")
    # two doubles carry a Julian date to 1e-11 d and better
    assert (time - Time(2457000, 1325.29278, format="jd", scale="tdb")).jd == pytest.approx(
        0, abs=1e-11
    )
    assert Time("2018-07-25T19:00:00", scale="tdb").btjd == pytest.approx(1325.2916666667, abs=1e-9)


def test_another_scale_is_converted():
    mission().register_time_format()
    utc = Time("2018-07-25T19:00:00", scale="utc")
    # TDB - UTC in 2018: 37 leap seconds + 32.184 s, and under 2 ms of relativity
    assert (utc.tdb.btjd - 1325.2916666667) * 86400 == pytest.approx(69.184, abs=0.002)


def test_seconds_since_an_epoch_with_a_fraction_keep_every_digit():
    count = {
        "time_unit": "s",
        "time_epoch": Decimal("51544.500742870370"),
        "time_epoch_format": "mjd",
    }
    mission(time_format_name="xmmtime", time_epoch_scale="tt", **count).register_time_format()
    time = Time(86400.0, format="xmmtime", scale="tt")
    # 1e-12 d is the last digit stored
    assert time.jd1 - 2400000.5 + time.jd2 - 51545 == pytest.approx(0.50074287037, abs=1e-9)
    assert (time - Time(51545, 0.50074287037, format="mjd", scale="tt")).jd == pytest.approx(
        0, abs=1e-12
    )


def test_registering_again_replaces_the_count():
    mission(time_format_name="again").register_time_format()
    mission(time_format_name="again", time_epoch=Decimal(2450000)).register_time_format()
    assert Time(1.0, format="again", scale="tdb").jd == 2450001.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"time_format_name": "jd"}, "astropy has a format of that name"),
        ({"time_format_name": "my time"}, "letters, digits and _"),
        ({"time_unit": "parsec"}, "must be a unit of time"),
        ({"time_unit": "fortnite"}, "must be a unit of time"),
        ({"time_epoch_format": "warpdate"}, "cannot read the epoch 2457000 as 'warpdate'"),
        ({"time_epoch_scale": "cet"}, "must be one of"),
    ],
)
def test_a_count_astropy_cannot_make_is_refused_with_the_reason(changes, words):
    with pytest.raises(ValueError, match=words):
        mission(**changes).register_time_format()
    with pytest.raises(ValidationError, match=words):
        mission(**changes).clean()
