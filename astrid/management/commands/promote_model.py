"""Put a network in force."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from astrid.core.errors import AstridError
from catalog.audit import by_operator
from detection import registry
from detection.models import Model


class Command(BaseCommand):
    """Register trained weights, or go back to registered ones, and use them from now on."""

    help = "Put a network in force: a weights file, or a registered NAME VERSION."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the network."""
        parser.add_argument("weights", type=Path, nargs="?", help="ONNX file beside its card")
        parser.add_argument("--registered", nargs=2, metavar=("NAME", "VERSION"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the weights, then switch."""
        if bool(options["weights"]) == bool(options["registered"]):
            raise CommandError("name either a weights file or --registered NAME VERSION")
        try:
            with by_operator("promote_model"):
                row = self.row(options)
                registry.open_weights(row)
                registry.promote(row)
        except AstridError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{row} is in force; it scores what comes from now on")

    def row(self, options: dict[str, Any]) -> Model:
        """Find or register the network."""
        if options["weights"]:
            return registry.register(options["weights"].resolve())
        name, version = options["registered"]
        row = Model.objects.filter(name=name, version=version).first()
        if row is None:
            known = ", ".join(map(str, Model.objects.all())) or "none"
            raise CommandError(f"no network is registered as {name} {version}; there are: {known}")
        return row
