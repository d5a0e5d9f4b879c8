"""Bring the registry of MLflow in line with the database."""

from typing import Any

from django.conf import settings

from astrid.core.commands import AstridCommand
from detection.mirror import mirror


class Command(AstridCommand):
    """Enter networks that MLflow does not know, and set its aliases."""

    help = (
        "Enter every registered network in MLflow: its training as a run, its card, a version, and "
        "the aliases champion and challenger. Also done by itself after each change and daily."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Mirror and say what was new."""
        new = mirror()
        self.stdout.write(f"{new} networks were new to MLflow at {settings.MLFLOW_TRACKING_URI}")
