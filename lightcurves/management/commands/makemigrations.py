"""Django's ``makemigrations``, which knows that a kind of row is not a table."""

from django.core.management.commands import makemigrations

from lightcurves.management.autodetector import TableAutodetector


class Command(makemigrations.Command):
    """The same command with another eye for changes."""

    autodetector = TableAutodetector
