"""Django configuration of the lightcurves app."""

from django.apps import AppConfig


class LightcurvesConfig(AppConfig):
    """The lightcurves domain."""

    name = "lightcurves"
    default_auto_field = "django.db.models.BigAutoField"
