"""Django's ``migrate``, which knows that a kind of row is not a table."""

from django.core.management.commands import migrate

from lightcurves.management.autodetector import TableAutodetector


class Command(migrate.Command):
    """The same command with another eye for changes."""

    autodetector = TableAutodetector
