"""Django configuration of the project itself: its commands, and no tables."""

from importlib import import_module

from django.apps import AppConfig


class AstridConfig(AppConfig):
    """The commands that run the whole."""

    name = "astrid"

    def ready(self) -> None:
        """Make our Celery application the one that tasks are queued with."""
        import_module("astrid.celery")
