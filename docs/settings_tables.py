"""Write the tables of settings in configuration.md anew: ``python docs/settings_tables.py``.

They are made from the dataclasses that check the settings (``catalog.keys``), so that the page
cannot say anything else than the program does.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.fieldhelp import FieldHelp
    from catalog.keys import Setting

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "configuration.md"
BEGIN = "<!-- settings: written by docs/settings_tables.py -->"
END = "<!-- end of settings -->"


def tables() -> str:
    """Give one heading and one table per setting; Django must be set up."""
    from catalog import keys

    return "\n\n".join(_section(setting) for setting in keys.SETTINGS.values())


def _section(setting: "Setting") -> str:
    from catalog import keys

    head = ("| field | type | default | limits, unit | meaning |", "|---|---|---|---|---|")
    rows = [_row(line) for line in keys.help_of(setting.key)]
    return "\n".join((f"### `{setting.key}`", "", setting.description, "", *head, *rows))


def _row(line: "FieldHelp") -> str:
    limits = ", ".join(part for part in (line.allowed, line.unit) if part)
    cells = (f"`{line.name}`", line.kind, line.default, limits, line.meaning)
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")  # a bare one would end the cell


def renewed(page: str) -> str:
    """Give a page with the tables between its two marks written anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def main() -> None:
    """Renew the page."""
    sys.path.insert(0, str(PROJECT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "astrid.settings")
    import django

    django.setup()
    PAGE.write_text(renewed(PAGE.read_text()))


if __name__ == "__main__":
    main()
