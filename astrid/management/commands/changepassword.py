"""Change a password, and leave a trace of it."""

from typing import Any

from django.contrib.auth.management.commands import changepassword

from astrid.core.commands import AstridCommand
from catalog.audit import by_operator


class Command(AstridCommand, changepassword.Command):
    """Django's command, told to the audit log."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        """Run it in the name of the operator."""
        with by_operator("changepassword"):
            return super().handle(*args, **options)
