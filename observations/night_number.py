"""The number of the night of an exposure, computed by the database and served by an index."""

from django.db.models import F, FloatField, IntegerField
from django.db.models.functions import Cast, Coalesce, Floor

# What observations.fits_site.night_of says; at an unknown longitude noon is that of UTC.
_LONGITUDE = Coalesce(F("site_longitude"), 0.0, output_field=FloatField())
NIGHT = Cast(Floor(F("mjd_utc") + _LONGITUDE / 360.0 + 0.5), IntegerField())
