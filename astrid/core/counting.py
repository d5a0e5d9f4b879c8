"""How many rows a query would give, without counting them: PostgreSQL's own estimate."""

import json
from typing import Any

from django.db.models import QuerySet

COUNTED = 1000  # so many are counted, more are estimated


class About(int):
    """A number of rows that says of itself that it is an estimate."""

    def __str__(self) -> str:
        return f"about {int(self):,}"


def estimate(rows: QuerySet) -> int:
    """Give what the planner takes the number of rows for."""
    plan: Any = json.loads(rows.order_by().values("pk").explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])


def count_about(rows: QuerySet, at_least: int = 0) -> int:
    """Count few rows exactly, and estimate many.

    Parameters
    ----------
    rows : QuerySet
        Not sliced.
    at_least : int, optional
        How many are known to be there.
    """
    expected = max(estimate(rows), at_least)
    if expected <= COUNTED:
        counted = len(rows.order_by().values_list("pk")[: COUNTED + 1])
        if counted <= COUNTED:
            return counted
    return About(_rounded(max(expected, COUNTED + 1)))


def _rounded(number: int) -> int:
    """Keep two digits: an estimate has no more."""
    scale: int = 10 ** max(len(str(number)) - 2, 0)
    return round(number / scale) * scale
