"""Ask for a network, approve what somebody else asked for, or go back."""

import getpass
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.errors import AstridError
from catalog.audit import by_operator
from detection import networks, promotion, registry
from detection.models import ChangeStatus, Model, ModelChange, ModelType

ASK, DECIDE = "detection.add_modelchange", "detection.change_modelchange"


class Command(AstridCommand):
    """Networks come into force in two steps, by two people; going back is one step."""

    help = (
        "Ask that a network come into force (FILE.onnx, which becomes the challenger, or "
        "--registered NAME VERSION), approve that as somebody else (--approve), or go back to the "
        "network before (--roll-back). A person proves who they are by their password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the network, the person and the step."""
        network = parser.add_mutually_exclusive_group(required=True)
        network.add_argument("weights", type=Path, nargs="?", help="ONNX file beside its card")
        network.add_argument("--registered", nargs=2, metavar=("NAME", "VERSION"))
        network.add_argument("--approve", nargs=2, metavar=("NAME", "VERSION"))
        network.add_argument("--roll-back", action="store_true", dest="roll_back")
        parser.add_argument("--by", required=True, metavar="USER", help="who does this")
        parser.add_argument("--reason", default="")
        parser.add_argument(
            "--type",
            choices=ModelType.values,
            help="of what to go back; default: that of the network that judges",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the step and say where things stand."""
        try:
            with by_operator("promote_model"):
                self.stdout.write(self.step(options))
        except AstridError as error:
            raise CommandError(str(error)) from error

    def step(self, options: dict[str, Any]) -> str:
        """Ask, approve or go back; give what came of it."""
        if options["approve"]:
            return self.approve(options)
        if options["roll_back"]:
            return self.roll_back(options)
        person = self.person(options["by"], ASK)
        row = self.row(options)
        change = promotion.ask(row, by=person, reason=options["reason"])
        return (
            f"{row} waits for approval (change {change.pk}): somebody else approves it in the "
            f"admin, or by promote_model --approve {row.name} {row.version} --by USER"
        )

    def row(self, options: dict[str, Any]) -> Model:
        """Find the network; a file is registered and becomes the challenger."""
        if options["registered"]:
            return registry.find(*options["registered"])
        row = registry.register(options["weights"].resolve())
        if not row.is_active:
            registry.challenge(row)
        return row

    def approve(self, options: dict[str, Any]) -> str:
        """Put what was asked for into force."""
        person = self.person(options["by"], DECIDE)
        row = registry.find(*options["approve"])
        waiting = ModelChange.objects.filter(model=row, status=ChangeStatus.REQUESTED)
        change = waiting.select_related("model", "previous").first()
        if change is None:
            raise CommandError(f"nobody has asked for {row}")
        promotion.approve(change, by=person)
        return f"{row} is in force; it scores what comes from now on"

    def roll_back(self, options: dict[str, Any]) -> str:
        """Put the network before the present one into force."""
        person = self.person(options["by"], DECIDE)
        kind = options["type"]
        row = registry.champion(kind) if kind else networks.in_force().model
        if row is None:
            raise CommandError(f"no network of type {options['type']} is in force")
        change = promotion.roll_back(row, by=person, reason=options["reason"])
        return f"{change.model} is in force again, {row} is not"

    def person(self, name: str, permission: str) -> Any:
        """Give the person behind a name, once their password shows that it is they."""
        user = get_user_model()._default_manager.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"there is no active user {name!r}")
        if not user.has_perm(permission):
            raise CommandError(f"{name} may not do this: it takes the permission {permission}")
        if not user.check_password(getpass.getpass(f"Password of {name}: ")):
            raise CommandError(f"that is not the password of {name}")
        return user
