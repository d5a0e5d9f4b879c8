"""What the head of every page leads to: one table, of which each person sees what they may open."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse


@dataclass(frozen=True)
class Page:
    """A page of the console or the admin.

    Parameters
    ----------
    label : str
        What the link says.
    name : str
        Name of the URL.
    needs : tuple of str
        Permissions, every one of which is needed.
    staff : bool
        Whether the page is of the admin, which opens to staff alone.
    """

    label: str
    name: str
    needs: tuple[str, ...] = ()
    staff: bool = False

    def opens_to(self, user: Any) -> bool:
        """Say whether somebody may open the page."""
        return (user.is_staff or not self.staff) and user.has_perms(self.needs)


@dataclass(frozen=True)
class Link:
    """A page as somebody sees it; ``current`` is "page" on it, "true" below it, else empty."""

    label: str
    address: str
    current: str


@dataclass(frozen=True)
class Menu:
    """Links under a heading; those of a menu without one stand side by side."""

    label: str
    links: tuple[Link, ...]

    @property
    def current(self) -> bool:
        """Whether the page that is open stands in the menu."""
        return any(link.current for link in self.links)


_DETECTIONS = "detection.view_detection"
_JUDGE = "curation.add_validationevent"
_ENTRIES = "catalog.view_catalogentry"
FRONT = Page("Overview", "curation:home", (_DETECTIONS,))
MENUS = {
    "": (
        FRONT,
        Page("Review", "curation:review", (_JUDGE,)),
    ),
    "Sky": (
        Page("Objects", "admin:detection_skyobject_changelist", (_DETECTIONS,), staff=True),
        Page("Detections", "admin:detection_detection_changelist", (_DETECTIONS,), staff=True),
        Page("Light curves", "lightcurves:targets", ("lightcurves.view_dataset",)),
        Page("Catalog", "catalog:entries", (_ENTRIES,)),
        Page("Cross-match", "catalog:crossmatch", ("catalog.add_crossmatchjob",)),
        Page("Tables (ADQL)", "catalog:tap", (_ENTRIES,)),
        Page("Saved queries", "queries:kept", ("catalog.view_savedquery",)),
    ),
    "Quality": (
        Page("Nights", "curation:nights", (_DETECTIONS,)),
        Page("Adjudication", "curation:adjudicate", (_JUDGE, "curation.change_reviewtask")),
        Page("Curators", "curation:curators", (_DETECTIONS,)),
        Page("Summaries", "analytics:page", ("catalog.view_analytics",)),
    ),
    "Site": (
        Page(
            "Jobs",
            "admin:catalog_processingjob_changelist",
            ("catalog.change_processingjob",),
            staff=True,
        ),
        Page(
            "Settings",
            "admin:catalog_systemconfig_changelist",
            ("catalog.change_systemconfig",),
            staff=True,
        ),
        Page("Admin", "admin:index", staff=True),
    ),
}


def menus_of(user: Any, path: str) -> list[Menu]:
    """Give the menus that somebody sees on the page at ``path``; one of a single page is none."""
    shown = {label: [p for p in pages if p.opens_to(user)] for label, pages in MENUS.items()}
    here = _nearest([page for pages in shown.values() for page in pages], path)
    return [
        Menu(label if len(pages) > 1 else "", tuple(_links(pages, here, path)))
        for label, pages in shown.items()
        if pages
    ]


def _nearest(pages: list[Page], path: str) -> Page | None:
    """Find the page that is open or lies nearest above it; all lies below the front page."""
    above = [p for p in pages if path.startswith(reverse(p.name)) and p is not FRONT]
    if path == reverse(FRONT.name):
        return FRONT
    return max(above, key=lambda page: len(reverse(page.name)), default=None)


def _links(pages: list[Page], here: Page | None, path: str) -> Iterator[Link]:
    for page in pages:
        address = reverse(page.name)
        current = ("page" if address == path else "true") if page is here else ""
        yield Link(page.label, address, current)
