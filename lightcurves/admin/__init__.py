"""The light-curve store in the admin; Django looks for it here."""

from lightcurves.admin import tables

__all__ = ["tables"]
