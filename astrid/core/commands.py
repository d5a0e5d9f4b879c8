"""Commands that end in a sentence: for words and values from a shell or from Python alike."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, OperationalError

from astrid.core.errors import AstridError

# What PostgreSQL answers where a migration has not run: no such table, no such column.
UNMIGRATED = frozenset({"42P01", "42703"})


class AstridCommand(BaseCommand):
    """A command whose arguments may be words, and whose failures are sentences."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it.

        Raises
        ------
        CommandError
            For a word that its argument cannot be, and for what an operator can mend.
        """
        with in_sentences():
            parser = self.create_parser("manage.py", self.__module__.rpartition(".")[2])
            return super().execute(*args, **(options | read(parser, options)))


@contextmanager
def in_sentences() -> Iterator[None]:
    """Turn what an operator can mend into a :class:`CommandError`."""
    try:
        yield
    except (AstridError, ImproperlyConfigured) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(file_trouble(error)) from error
    except DatabaseError as error:
        raise CommandError(database_trouble(error)) from error


def file_trouble(error: OSError) -> str:
    """Name the file, and say what is the matter with it."""
    if error.filename is None or error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"


def database_trouble(error: DatabaseError) -> str:
    """Say what to do about an error of the database.

    Raises
    ------
    DatabaseError
        The same, where nobody could but who wrote the query.
    """
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if getattr(error.__cause__, "sqlstate", None) in UNMIGRATED:
        return f"the database is not that of this version ({said}): run manage.py migrate"
    if isinstance(error, OperationalError):
        return f"the database does not answer ({said}): see that it runs, and DATABASE_URL"
    raise error


def read(parser: argparse.ArgumentParser, options: Mapping[str, Any]) -> dict[str, Any]:
    """Read the options that came as words, as the command line would: paths, numbers, dates.

    Raises
    ------
    CommandError
        If an argument cannot be that.
    """
    found: dict[str, Any] = {}
    for action in parser._actions:
        value = options.get(action.dest)
        if isinstance(action, argparse._SubParsersAction):
            chosen = action.choices.get(str(value))
            found |= read(chosen, options) if chosen else {}
        elif callable(action.type):
            found |= {action.dest: value_of(action, value)}
    return {name: value for name, value in found.items() if name in options}


def value_of(action: argparse.Action, value: Any) -> Any:
    """Read what is a word, or each of several, as the type of its argument."""
    if isinstance(value, list | tuple):
        return [value_of(action, each) for each in value]
    if not isinstance(value, str) or not callable(action.type):
        return value
    try:
        return action.type(value)
    except (argparse.ArgumentTypeError, TypeError, ValueError) as error:
        name = "/".join(action.option_strings) or action.dest
        raise CommandError(f"argument {name}: {value!r} cannot be used: {error}") from error
