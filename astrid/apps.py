"""Django configuration of the project itself: its commands, and no tables."""

from django.apps import AppConfig


class AstridConfig(AppConfig):
    """The commands that run the whole."""

    name = "astrid"
