"""Lists of the admin that stay quick on a million rows: no count, no offset."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from astrid.core import keyset
from astrid.core.counting import count_about

REACH = 1000  # rows that one action takes at most


class KeysetList(ChangeList):
    """A list whose pages begin behind a row; the number of its rows is estimated."""

    page: keyset.Page
    reach = REACH

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> Any:
        """Order by the chosen columns, but not by those that are not offered for it."""
        chosen = self.params.get(ORDER_VAR, "").split(".")
        kept = ".".join(part for part in chosen if self._is_offered(part))
        self.params.pop(ORDER_VAR, None)
        self.filter_params.pop(ORDER_VAR, None)
        if kept:
            self.params[ORDER_VAR], self.filter_params[ORDER_VAR] = kept, [kept]
        # Not by the default behind the chosen column, for which no index is made.
        return super().get_ordering(request, queryset.order_by())

    def _is_offered(self, part: str) -> bool:
        number = part.removeprefix("-")
        if not number.isdecimal() or int(number) >= len(self.list_display):
            return False
        return self.sortable_by is None or self.list_display[int(number)] in self.sortable_by

    def _get_deterministic_ordering(self, ordering: Any) -> list[Any]:
        """Order equals by their keys in the direction of what comes before: one index serves."""
        found: list[Any] = super()._get_deterministic_ordering(ordering)  # type: ignore[misc]
        if len(found) == len(ordering) + 1 and ordering and not str(ordering[-1]).startswith("-"):
            found[-1] = "pk"
        return found

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the rows of one page, and estimate how many there are."""
        self.page = self._page_at(request, request.GET.get(PAGE_VAR, keyset.FIRST))
        rows = self.queryset._chain()
        rows._result_cache = self.page.rows  # the form of editable rows wants a queryset
        self.result_list = rows
        is_whole = self.page.previous is None and self.page.next is None
        shown = len(self.page.rows)
        self.result_count = shown if is_whole else count_about(self.queryset, shown + 1)
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        # The search box tells the number of what was found; without a search, the foot does.
        self.full_result_count = None if self.query else self.result_count
        self.show_admin_actions = bool(self.page.rows)
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)

    def _page_at(self, request: HttpRequest, place: str) -> keyset.Page:
        try:
            return keyset.page(self.queryset, place, self.list_per_page)
        except keyset.BadPlace as error:
            messages.warning(request, f"This is the first page: {error}.")
            return keyset.page(self.queryset, keyset.FIRST, self.list_per_page)

    @property
    def page_links(self) -> list[tuple[str, str | None]]:
        """Words and addresses of the pages beside this one; without an address, there is none."""
        return [
            (words, None if place is None else self.get_query_string({PAGE_VAR: place or None}))
            for words, place in (
                ("First", self.page.previous and keyset.FIRST),
                ("Previous", self.page.previous),
                ("Next", self.page.next),
                ("Last", self.page.next and keyset.LAST),
            )
        ]

    @property
    def is_paged(self) -> bool:
        """Whether there are more rows than the page shows."""
        return bool(self.page.previous or self.page.next)
