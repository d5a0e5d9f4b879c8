"""When light of a source reached the barycentre, and numbers of exposures."""

import numpy as np
from astropy import units
from astropy.constants import c
from astropy.coordinates import get_body_barycentric
from astropy.time import Time
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MS_PER_DAY = 86_400_000
_KM_PER_DAY = c.to_value(units.km / units.day)


def cadence_numbers(mjd: Floats) -> NDArray[np.int64]:
    """Give the milliseconds of ``mjd``, which increases, as numbers that do so strictly.

    Parameters
    ----------
    mjd : (n,) array
        Modified Julian dates; an exposure in the millisecond of another gets the next.
    """
    order = np.arange(mjd.size)
    exact = np.rint(mjd * MS_PER_DAY).astype(np.int64)
    return np.maximum.accumulate(exact - order) + order


class Clock:
    """Barycentric times of some exposures for any place of the sky.

    The light time is that to the centre of the Earth: at most 21 ms off for a telescope on it.

    Parameters
    ----------
    mjd_utc : (n,) array
        Of the middle of the exposures, increasing.
    """

    def __init__(self, mjd_utc: Floats) -> None:
        self._mjd_utc = mjd_utc
        moments = Time(mjd_utc, format="mjd", scale="utc").tdb
        self._mjd_tdb: Floats = moments.mjd
        earth = get_body_barycentric("earth", moments, ephemeris="builtin")
        self._earth: Floats = earth.xyz.to_value(units.km).T / _KM_PER_DAY

    def at(self, ra: float, dec: float, mjd_utc: Floats) -> Floats:
        """Give the MJD (TDB) at which light of a place (degrees) passed the barycentre.

        Parameters
        ----------
        mjd_utc : (m,) array
            Some of the exposures of this clock.
        """
        exposures = np.searchsorted(self._mjd_utc, mjd_utc)
        ra, dec = np.radians([ra, dec])
        towards = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
        times: Floats = self._mjd_tdb[exposures] + self._earth[exposures] @ towards
        return times
