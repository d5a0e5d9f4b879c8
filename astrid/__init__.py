"""The project: settings, urls, celery and the kernel every app shares."""

from astrid.celery import app as celery_app

__all__ = ["celery_app"]
__version__ = "0.1.0"
