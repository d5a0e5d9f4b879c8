"""Simple Image Access: which images there are of a place, a time, a colour.

Reference: Dowler, Bonnarel & Tody 2015, Simple Image Access 2.0, IVOA Recommendation.
"""

from collections.abc import Callable, Mapping

from django.http import HttpResponse
from rest_framework.request import Request

from catalog.vo import formats
from catalog.vo.adql.syntax import (
    Expression,
    Item,
    Junction,
    Literal,
    Name,
    NamedTable,
    Operation,
    Query,
    Select,
    Sort,
    Star,
)
from catalog.vo.answers import Answer, Limits, ask_tree
from catalog.vo.descriptors import datalink_of, soda_of
from catalog.vo.doors import VoView, needs_sign_in
from catalog.vo.errors import BadValue
from catalog.vo.intervals import any_of, column, equals, lies_in, overlaps, position
from catalog.vo.obscore_columns import COLUMNS
from catalog.vo.requests import Asked
from catalog.vo.visible import OBSCORE, Caller, published_for

MOST_VALUES = 100
_POLARISATIONS = (
    "I",
    "Q",
    "U",
    "V",
    "RR",
    "LL",
    "RL",
    "LR",
    "XX",
    "YY",
    "XY",
    "YX",
    "POLI",
    "POLA",
)


def _calibration(text: str) -> Expression:
    if text not in ("0", "1", "2", "3", "4"):
        raise BadValue(f"CALIB is {text[:40]!r}; it must be a whole number from 0 to 4")
    return Operation("=", column("calib_level"), Literal(int(text)))


def _polarisation(text: str) -> Expression:
    if text.upper() not in _POLARISATIONS:
        raise BadValue(f"POL is {text[:40]!r}; it must be one of {', '.join(_POLARISATIONS)}")
    # Nothing here measures polarisation: what is asked for by a state is not found.
    return equals("pol_states", text.upper())


_CONDITIONS: Mapping[str, Callable[[str], Expression]] = {
    "POS": position,
    "BAND": lambda text: overlaps("BAND", text, "em_min", "em_max"),
    "TIME": lambda text: overlaps("TIME", text, "t_min", "t_max"),
    "POL": _polarisation,
    "FOV": lambda text: lies_in("FOV", text, "s_fov"),
    "SPATRES": lambda text: lies_in("SPATRES", text, "s_resolution"),
    "SPECRP": lambda text: lies_in("SPECRP", text, "em_res_power"),
    "EXPTIME": lambda text: lies_in("EXPTIME", text, "t_exptime"),
    "TIMERES": lambda text: lies_in("TIMERES", text, "t_resolution"),
    "ID": lambda text: equals("obs_publisher_did", text),
    "COLLECTION": lambda text: equals("obs_collection", text),
    "FACILITY": lambda text: equals("facility_name", text),
    "INSTRUMENT": lambda text: equals("instrument_name", text),
    "DPTYPE": lambda text: equals("dataproduct_type", text.lower()),
    "DPSUBTYPE": lambda text: equals("dataproduct_subtype", text),
    "CALIB": _calibration,
    "TARGET": lambda text: equals("target_name", text),
    "FORMAT": lambda text: equals("access_format", text),
}


class ImagesView(VoView):
    """``/vo/sia2/query``: frames, calibrated frames, differences and cutouts."""

    def get(self, request: Request) -> HttpResponse:
        """Answer with the rows of ObsCore that fit."""
        asked = self.asked()
        caller = self.caller()
        wanted = formats.chosen(asked.one("RESPONSEFORMAT"), default="tabledata")
        answer = images(caller, asked)
        describing = (datalink_of, soda_of)
        extras = [each(caller, answer.columns, "obs_publisher_did") for each in describing]
        return self.answer(answer, wanted, extras=extras)

    post = get


def images(caller: Caller, asked: Asked) -> Answer:
    """Find the images that fit all parameters.

    Raises
    ------
    VoError
        If a parameter is wrong, or the caller may see no image.
    """
    conditions = [_condition(name, asked.many(name)) for name in _CONDITIONS if asked.many(name)]
    settings = caller.settings
    limits = Limits(asked.rows(settings.default_rows, settings.max_rows), settings.sync_seconds)
    published = published_for(caller)
    if OBSCORE in published.withheld:
        raise needs_sign_in(caller, "images")
    where = Junction("AND", tuple(conditions)) if conditions else None
    table = NamedTable((Name("ivoa"), Name("obscore")))
    select = Select(_shown(), (table,), where)
    order = (Sort(column("t_min")), Sort(column("obs_publisher_did")))
    return ask_tree(Query(select, order), published, limits)


def _shown() -> tuple[Star | Item, ...]:
    return tuple(Item(column(each.column.name)) for each in COLUMNS if not each.column.is_hidden)


def _condition(name: str, values: tuple[str, ...]) -> Expression:
    if len(values) > MOST_VALUES:
        raise BadValue(f"{name} is given {len(values)} times; at most {MOST_VALUES} are taken")
    return any_of([_CONDITIONS[name](each) for each in values])
