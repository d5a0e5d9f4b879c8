"""Pages of the light-curve store: targets, a target with its light curves, their points."""

from typing import Any

import numpy as np
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.http import urlencode
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from astrid.core import keyset
from astrid.core.rights import View, for_people_who_may
from lightcurves.exporting.tables import flags_of, times_of
from lightcurves.models import DataSet, MissionCatalog, Observation, Target
from lightcurves.sparkline import sparkline
from lightcurves.web import target_page
from lightcurves.web.search import HELP, BadSearch, Search, listed
from lightcurves.web.wire import content_of

VIEW = "lightcurves.view_dataset"
_PAGE = 50
_SMALL = {"width": 160, "height": 40}
# In between the inks of light and dark pages; pictures know nothing of the page they are on.
_INK = "#5b84ad"
_RARE = 0.005  # share of values at each end that may be far away
_SPARE = 0.3  # of the span of the others, beyond them


def for_readers(view: View) -> View:
    """Let those in who may see light curves."""
    return require_safe(for_people_who_may(VIEW)(view))


@gzip_page
@for_readers
def target_list(request: HttpRequest) -> HttpResponse:
    """List targets, or those that were asked for."""
    search = Search.of(request.GET)
    page = _page(request, search)
    catalogs = list(MissionCatalog.objects.select_related("host_mission"))
    asked = {"q": search.words, "mission": search.mission, "catalog": search.catalog,
             "kind": search.kind}  # fmt: skip
    context = {
        "title": "Light curves",
        "search": search,
        "help": HELP,
        "page": page,
        "rows": listed(page.rows),
        "query": urlencode({name: value for name, value in asked.items() if value}),
        "catalogs": catalogs,
        "missions": sorted({one.host_mission.name for one in catalogs}),
        "kinds": sorted(Observation.kinds),
    }
    return render(request, "lightcurves/targets.html", context)


def _page(request: HttpRequest, search: Search) -> keyset.Page:
    try:
        found = search.rows()
    except BadSearch as error:
        messages.error(request, str(error))
        return keyset.Page([], None, None)
    try:
        return keyset.page(found, request.GET.get("p", keyset.FIRST), _PAGE)
    except keyset.BadPlace as error:
        messages.warning(request, f"This is the first page: {error}.")
        return keyset.page(found, keyset.FIRST, _PAGE)


@gzip_page
@for_readers
def target(request: HttpRequest, key: int) -> HttpResponse:
    """Show a target with its light curves."""
    rows = Target.objects.select_related("catalog__host_mission")
    context = target_page.context_of(get_object_or_404(rows, pk=key))
    return render(request, "lightcurves/target.html", context)


@for_readers
def dataset(request: HttpRequest, key: int) -> HttpResponse:
    """Lead to the page of a light curve's target."""
    row = get_object_or_404(DataSet.objects.select_related("target"), pk=key)
    return HttpResponseRedirect(f"{row.target.get_absolute_url()}#curve-{row.pk}")


@for_readers
def points(request: HttpRequest, key: int) -> HttpResponse:
    """Give the numbers of a light curve to the plot."""
    rows = DataSet.objects.with_arrays().select_related("observation")
    content = content_of(get_object_or_404(rows, pk=key))
    return HttpResponse(content, content_type="application/octet-stream")


@for_readers
def small(request: HttpRequest, key: int) -> HttpResponse:
    """Draw the good cadences of a light curve, small, for lists."""
    row = get_object_or_404(DataSet.objects.with_arrays(), pk=key)
    picture = sparkline(_ordinary(_good(row)), **_SMALL).replace("currentColor", _INK)
    return HttpResponse(picture, content_type="image/svg+xml")


def _good(row: DataSet) -> Any:
    """Give the values, NaN at cadences that a flag speaks against or that have no time."""
    times, values = times_of(row), row.values
    bad = np.zeros(row.n, bool) if times is None else ~np.isfinite(times)
    for flags in flags_of(row):
        bad |= flags.unusable()
    return np.where(bad, np.float32(np.nan), values)


def _ordinary(values: Any) -> Any:
    """Put what is far from nearly all values at their edge: it would flatten the rest."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return values
    low, high = np.quantile(finite, [_RARE, 1 - _RARE])
    spare = _SPARE * (high - low)
    return np.clip(values, low - spare, high + spare)
