"""What each service can do, whether it works, and which tables there are.

Reference: Graham, Rixon et al. 2017, IVOA Support Interfaces 1.1, IVOA Recommendation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.shortcuts import render
from rest_framework.request import Request

from catalog.vo.adql.schema import Table
from catalog.vo.doors import VoView
from catalog.vo.errors import NotFound
from catalog.vo.parameters import Access
from catalog.vo.tap_schema import SCHEMAS, keys_among, schema_of
from catalog.vo.visible import published_for

XML = "text/xml; charset=utf-8"
GEOMETRY = (
    "POINT", "CIRCLE", "BOX", "POLYGON", "CONTAINS", "INTERSECTS", "DISTANCE", "CENTROID", "AREA",
    "COORD1", "COORD2", "COORDSYS",
)  # fmt: skip


@dataclass(frozen=True)
class Capability:
    """One thing that a service does, as VOSI describes it."""

    standard: str
    path: str
    type: str = ""
    role: bool = True
    version: str = ""
    use: str = "base"


_STANDARD = "ivo://ivoa.net/std/"
_CONE = Capability(f"{_STANDARD}ConeSearch", "", "cs:ConeSearch")
SERVICES: Mapping[str, tuple[Capability, ...]] = {
    "tap": (Capability(f"{_STANDARD}TAP", "", "tr:TableAccess", version="1.1"),),
    "scs": (_CONE,),
    "scs/objects": (_CONE,),
    "scs/detections": (_CONE,),
    "scs/entries": (_CONE,),
    "sia2": (
        Capability(
            f"{_STANDARD}SIA#query-2.0",
            "/query",
            version="2.0"
        ),
    ),
    "soda": (Capability(f"{_STANDARD}SODA#sync-1.0", "/sync", version="1.0"),),
    "datalink": (
        Capability(f"{_STANDARD}DataLink#links-1.1", "/links", version="1.1"),
    ),
}  # fmt: skip
_OWN = (
    Capability(f"{_STANDARD}VOSI#capabilities", "/capabilities", role=False, use="full"),
    Capability(f"{_STANDARD}VOSI#availability", "/availability", role=False, use="full"),
)
_TABLES = Capability(f"{_STANDARD}VOSI#tables-1.1", "/tables", role=False, use="full")
_EXAMPLES = Capability(f"{_STANDARD}DALI#examples", "/examples", role=False, use="full")
_MORE: Mapping[str, tuple[Capability, ...]] = {"tap": (_TABLES, _EXAMPLES), "scs": (_TABLES,)}


class CapabilitiesView(VoView):
    """Says what a service does and where."""

    def get(self, request: Request, service: str) -> HttpResponse:
        """List the capabilities."""
        caller = self.caller()
        base = f"{caller.root}/vo/{service}"
        own = (*_OWN, *_MORE.get(service, ()))
        content = {
            "capabilities": [_shown(each, base, caller.settings.anonymous_access)
                             for each in (*SERVICES[service], *own)],
            "geometry": GEOMETRY,
            "settings": caller.settings,
            "seconds_kept": int(caller.settings.job_days * 86_400),
            "seconds_async": int(caller.settings.async_seconds),
        }  # fmt: skip
        return render(request._request, "vo/capabilities.xml", content, content_type=XML)


def _shown(each: Capability, base: str, access: Access) -> dict[str, object]:
    return {
        **each.__dict__,
        "address": f"{base}{each.path}",
        "is_protected": access == Access.NOTHING and each.role,
    }


class AvailabilityView(VoView):
    """Says whether the services work, which is whether the database answers."""

    def get(self, request: Request, service: str) -> HttpResponse:
        """Ask the database."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            is_available, note = True, "accepting queries"
        except DatabaseError:
            is_available, note = False, "the database does not answer"
        content = {"is_available": is_available, "note": note}
        return render(request._request, "vo/availability.xml", content, content_type=XML)


class TablesView(VoView):
    """Describes the tables that the caller may ask."""

    def get(self, request: Request, name: str = "") -> HttpResponse:
        """Describe all tables, or one."""
        tables = known = published_for(self.caller()).all()
        if name:
            tables = [each for each in known if each.name.lower() == name.lower()]
            if not tables:
                raise NotFound(f"no table is called {name[:60]!r}")
        content = {"schemas": _by_schema(tables), "keys": keys_among(known)}
        return render(request._request, "vo/tables.xml", content, content_type=XML)


def _by_schema(tables: Sequence[Table]) -> list[dict[str, object]]:
    names = dict.fromkeys(schema_of(each) for each in tables)
    return [
        {
            "name": name,
            "description": SCHEMAS[name.lower()],
            "tables": [each for each in tables if schema_of(each) == name],
        }
        for name in names
    ]
