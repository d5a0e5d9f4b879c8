"""The light-curve store in the admin; Django looks for it here."""

from lightcurves.admin import analysing, tables

__all__ = ["analysing", "tables"]
