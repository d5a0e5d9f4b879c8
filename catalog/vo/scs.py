"""Simple Cone Search: what lies round a position.

Reference: Plante et al. 2008, Simple Cone Search 1.03, IVOA Recommendation.
"""

from dataclasses import replace
from typing import Any

from django.db import connection
from django.http import HttpResponse
from rest_framework.request import Request

from catalog.vo import formats
from catalog.vo.adql.schema import Column
from catalog.vo.adql.scope import Output
from catalog.vo.answers import Answer, answer_of, reading
from catalog.vo.describe import Source, statement_of
from catalog.vo.descriptors import datalink_of
from catalog.vo.doors import VoView, needs_sign_in
from catalog.vo.requests import Asked, within
from catalog.vo.tables import DETECTIONS, ENTRIES, OBJECTS
from catalog.vo.visible import BY_NAME, Caller

# Under each name: the table, its columns, and those that VERB=1 leaves (by their places).
SERVED = {"objects": OBJECTS, "detections": DETECTIONS, "entries": ENTRIES}
_FEW = 5
# Cone search has words of its own for what identifies a row and where it is.
_UCD1 = {"meta.id;meta.main": "ID_MAIN", "pos.eq.ra;meta.main": "POS_EQ_RA_MAIN",
         "pos.eq.dec;meta.main": "POS_EQ_DEC_MAIN"}  # fmt: skip


class ConeView(VoView):
    """``/vo/scs``: objects; ``/vo/scs/detections`` and ``/vo/scs/entries``: those."""

    error_names = ("Error",)

    def get(self, request: Request, name: str = "objects") -> HttpResponse:
        """Answer RA, DEC and SR, all in degrees."""
        asked = self.asked()
        wanted = formats.chosen(asked.one("RESPONSEFORMAT"), default="tabledata")
        caller = self.caller()
        answer = cone(caller, name, asked)
        key = "detection_id" if name == "detections" else "object_id"
        told = any(each.name == key for each in answer.columns)
        extras = [datalink_of(caller, answer.columns, key)] if told else []
        return self.answer(answer, wanted, extras=extras)

    post = get


def cone(caller: Caller, name: str, asked: Asked) -> Answer:
    """Give the rows of a table within a cone, nearest first.

    Raises
    ------
    VoError
        If a parameter is wrong, or the caller may not see the table.
    """
    ra = within("RA", asked.needed("RA"), 0, 360)
    dec = within("DEC", asked.needed("DEC"), -90, 90)
    radius = within("SR", asked.needed("SR"), 0, 180)
    sources = _columns(SERVED[name], asked.one("VERB", "2"))
    most = asked.rows(caller.settings.default_rows, caller.settings.max_rows)
    rows = BY_NAME[f"astrid.{name}"].rows(caller)
    if rows is None:
        raise needs_sign_in(caller, name)
    if radius == 0:  # the protocol's way to ask for the columns alone
        most = 0
    near: Any = rows
    found = near.cone_search(ra, dec, radius).order_by("separation_deg", "pk")[: most + 1]
    statement, parameters = statement_of(found, sources)
    with reading(caller.settings.sync_seconds), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        kinds = [each.type_code for each in cursor.description]
        lines = cursor.fetchall()
    outputs = tuple(Output(each.column.name, each.column) for each in sources)
    made = answer_of(outputs, kinds, lines, most)
    columns = tuple(map(_in_old_words, made.columns))
    return replace(made, columns=columns, is_cut=made.is_cut and radius > 0)


def _columns(sources: tuple[Source, ...], verbosity: str) -> tuple[Source, ...]:
    level = within("VERB", verbosity, 1, 3)
    return sources[:_FEW] if level == 1 else sources


def _in_old_words(column: Column) -> Column:
    return replace(column, ucd=_UCD1.get(column.ucd, column.ucd))
