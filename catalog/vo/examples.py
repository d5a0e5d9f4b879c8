"""Queries to begin with: on the console's page, and where TOPCAT looks for examples.

Reference: Demleitner & Dower 2017 (DALI 1.1, section 2.3), examples.
"""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from rest_framework.request import Request

from catalog.vo.doors import VoView


@dataclass(frozen=True)
class Example:
    """A query, what it is called, and what it shows."""

    name: str
    title: str
    words: str
    query: str


EXAMPLES = (
    Example(
        "cone",
        "Objects round a position",
        "All within half a degree, nearest first.",
        """SELECT TOP 100 designation, ra, dec, best_class, number_of_detections,
  DISTANCE(ra, dec, 150.1, 2.2) AS apart_deg
FROM astrid.objects
WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(150.1, 2.2, 0.5))
ORDER BY apart_deg""",
    ),
    Example(
        "certain",
        "Surest detections",
        "What the network believes in most, with the object that each belongs to.",
        """SELECT TOP 100 o.designation, d.ra, d.dec, d.mjd_utc, d.filter_band, d.magnitude,
  d.confidence
FROM astrid.detections AS d
JOIN astrid.objects AS o ON d.object_id = o.object_id
WHERE d.confidence > 0.9
ORDER BY d.confidence DESC""",
    ),
    Example(
        "curve",
        "Light curve of an object",
        "Each time that it was seen; put its designation in.",
        """SELECT d.mjd_utc, d.filter_band, d.magnitude, d.magnitude_error, d.upper_limit
FROM astrid.detections AS d
JOIN astrid.objects AS o ON d.object_id = o.object_id
WHERE o.designation = 'AstrID J100024.00+021200.0'
ORDER BY d.mjd_utc""",
    ),
    Example(
        "classes",
        "How many of each class",
        "A count by class, with when the last one was seen.",
        """SELECT best_class, COUNT(*) AS n, MAX(last_seen) AS latest
FROM astrid.objects
GROUP BY best_class
ORDER BY n DESC""",
    ),
    Example(
        "published",
        "Published catalog",
        "Confirmed objects that everybody may see, the newest first.",
        """SELECT TOP 100 designation, ra, dec, position_error, object_class, posterior, updated_at
FROM astrid.entries
WHERE publication_state = 'published'
ORDER BY updated_at DESC""",
    ),
    Example(
        "known",
        "Detections on known variables",
        "What other catalogues have within two arcseconds.",
        """SELECT TOP 100 d.detection_id, d.ra, d.dec, c.name, c.variable_type, c.period_days
FROM astrid.detections AS d
JOIN astrid.context AS c ON DISTANCE(d.ra, d.dec, c.ra, c.dec) < 2 / 3600.0
WHERE c.kind = 'variable'""",
    ),
    Example(
        "images",
        "Images of a place",
        "Differences whose outline holds a position, by the words of ObsCore.",
        """SELECT TOP 100 obs_id, t_min, filter_name, s_resolution, access_url
FROM ivoa.ObsCore
WHERE dataproduct_subtype = 'difference'
  AND 1 = CONTAINS(POINT(150.1, 2.2), s_region)
ORDER BY t_min""",
    ),
)


class ExamplesView(VoView):
    """``/vo/tap/examples``."""

    def get(self, request: Request) -> HttpResponse:
        """Show them as a page that tools read, too."""
        content = {"examples": EXAMPLES}
        kind = "application/xhtml+xml; charset=utf-8"
        return render(request._request, "vo/examples.xml", content, content_type=kind)
