"""The project: settings, urls, celery and the kernel every app shares."""

__version__ = "0.1.0"
