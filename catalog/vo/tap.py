"""Table Access Protocol, answers while the caller waits: ``/vo/tap/sync``.

Reference: Dowler et al. 2019, Table Access Protocol 1.1, IVOA Recommendation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse, HttpResponseRedirect
from rest_framework.request import Request

from catalog.vo import formats
from catalog.vo.adql.schema import Table
from catalog.vo.answers import Limits, ask
from catalog.vo.doors import VoView
from catalog.vo.errors import BadValue
from catalog.vo.requests import Asked
from catalog.vo.uploads import uploaded
from catalog.vo.visible import Caller, published_for

LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")


@dataclass(frozen=True)
class Wanted:
    """A query with the form of its answer."""

    query: str
    format: str
    rows: int

    @classmethod
    def of(cls, asked: Asked, caller: Caller) -> "Wanted":
        """Read the parameters of TAP.

        Raises
        ------
        VoError
            If one is missing or wrong.
        """
        language = asked.one("LANG", "ADQL")
        if language.upper() not in LANGUAGES:
            raise BadValue(f"LANG is {language[:40]!r}; queries are in {', '.join(LANGUAGES)}")
        request = asked.one("REQUEST", "doQuery")
        if request != "doQuery":
            raise BadValue(f"REQUEST is {request[:40]!r}; it must be doQuery")
        name = asked.one("RESPONSEFORMAT") or asked.one("FORMAT")
        settings = caller.settings
        rows = asked.rows(settings.default_rows, settings.max_rows)
        return cls(asked.needed("QUERY"), formats.chosen(name), rows)


def content_of(
    wanted: Wanted, caller: Caller, seconds: float, uploads: Sequence[Table] = ()
) -> tuple[bytes, int, bool]:
    """Answer a query: the file, how many rows it has, and whether there would be more."""
    published = published_for(caller, uploads)
    answer = ask(wanted.query, published, Limits(wanted.rows, seconds))
    infos = {"QUERY": wanted.query, "QUERY_LANGUAGE": "ADQL-2.1"}
    content = formats.written(answer, wanted.format, infos=infos)
    return content, len(answer.rows), answer.is_cut


class SyncView(VoView):
    """Answers a query at once."""

    def get(self, request: Request) -> HttpResponse:
        """Answer QUERY."""
        asked = self.asked()
        if asked.one("REQUEST") == "getCapabilities":
            return HttpResponseRedirect("capabilities", status=303)
        caller = self.caller()
        wanted = Wanted.of(asked, caller)
        tables = uploaded(asked, request.FILES, caller.settings.upload_rows)
        content, _, _ = content_of(wanted, caller, caller.settings.sync_seconds, tables)
        return HttpResponse(content, content_type=formats.TYPES[wanted.format])

    post = get
