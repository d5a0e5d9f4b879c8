"""What every console page of the admin shares: reading without writing, cones, links."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from astrid.core import cones
from astrid.core.columns import Column, readable
from astrid.core.errors import AstridError
from astrid.core.tables import as_table

_MOST_REFUSALS = 10
_IDS_ONLY = ["id"]  # shows the search box of a table whose rows have no names


class ConsoleAdmin(admin.ModelAdmin):
    """A list that stays quick on tables with millions of rows, and finds a row by its id."""

    list_per_page = 100
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields: ClassVar[list[str] | tuple[str, ...]] = _IDS_ONLY
    search_help_text = "An id"
    id_fields: ClassVar[Sequence[str]] = ["pk"]  # which columns an id in the search box may mean
    introduction = ""  # what a list is and where its rows come from, said above it

    def get_list_display(self, request: HttpRequest) -> list[Column]:
        """Show figures with the decimals that they are known to."""
        return [readable(self.opts, name) for name in super().get_list_display(request)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find a row by an id; anything else is looked for in ``search_fields``."""
        key = _id_of(search_term)
        if key is not None:
            means = (Q(**{name: key}) for name in self.id_fields)
            return queryset.filter(reduce(or_, means)), False
        if search_term.strip() and list(self.search_fields) == _IDS_ONLY:
            self.message_user(request, f"{search_term!r} is not an id", messages.ERROR)
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may start and stop work: actions ask for this."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def run_each(
        self, request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], object], done: str
    ) -> None:
        """Do something to each row, and say how often it was done and why it was refused."""
        outcomes = [_refusal(act, row) for row in rows]
        refusals = [words for words in outcomes if words is not None]
        count = len(outcomes) - len(refusals)
        if count:
            self.message_user(request, f"{count} {done}", messages.SUCCESS)
        for words in refusals[:_MOST_REFUSALS]:
            self.message_user(request, words, messages.ERROR)
        if len(refusals) > _MOST_REFUSALS:
            rest = f"{len(refusals) - _MOST_REFUSALS} more were refused for reasons like these"
            self.message_user(request, rest, messages.ERROR)


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def _refusal(act: Callable[[Any], object], row: Any) -> str | None:
    try:
        with transaction.atomic():
            act(row)
    except AstridError as error:
        return str(error)
    return None


class ReadOnlyAdmin(ConsoleAdmin):
    """Rows that the pipeline writes: people look at them, and change nothing by hand."""

    hidden: ClassVar[Sequence[str]] = ()  # columns that a table or a link of the page shows better

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: the pipeline adds these rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: what was measured is not edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: later rows rest on these."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show every column, the id and the times included, then what the page adds."""
        hidden = {*self.hidden, "hpx"}
        stored = [*self.opts.concrete_fields, *self.opts.many_to_many]
        columns = [column.name for column in stored if column.name not in hidden]
        shown = [readable(self.opts, name) for name in columns]
        return [*shown, *self.readonly_fields]


class ReadOnlyInline(admin.TabularInline):
    """Rows of the pipeline below the row that they belong to."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the pipeline adds these rows."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep every column as it was written."""
        return self.fields


class ValidityForm(forms.ModelForm):
    """The end of a row's use."""

    def clean_valid_to(self) -> Any:
        """Refuse an end before the beginning, which the page shows but does not change."""
        end = self.cleaned_data["valid_to"]
        begin = self.instance.valid_from
        if end and end <= begin:
            raise forms.ValidationError(f"The end must lie after the beginning, {begin:%F %T} UTC")
        return end


class ValidityAdmin(ReadOnlyAdmin):
    """Files that the pipeline uses: staff end or resume their use, and change nothing else."""

    form = ValidityForm
    editable: ClassVar[Sequence[str]] = ("valid_to", "is_active")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for the permission of the table."""
        return self.has_operate_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep everything else as it was measured."""
        return [name for name in self.get_fields(request, obj) if name not in self.editable]


class SkySearch(ConsoleAdmin):
    """Rows with a place in the sky; the search box understands a cone beside ids and names."""

    search_help_text = f"An id, a name, or a cone: {cones.HELP}."

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Search a cone where the term is one."""
        try:
            cone = cones.cone_of(search_term)
            if cone is not None:
                return queryset.cone_search(cone.ra, cone.dec, cone.radius_deg), False
        except ValueError as error:
            self.message_user(request, f"{search_term!r}: {error}", messages.ERROR)
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="position (ICRS)")
    def position(self, row: Any) -> str:
        """Show the place in degrees."""
        return f"{row.ra:.6f} {row.dec:+.6f}"


def json_table(name: str, title: str) -> Any:
    """Make a column of a page that shows the JSON of a field as a table."""

    def show(_page: Any, row: models.Model) -> str:
        return as_table(getattr(row, name))

    return admin.display(description=title)(show)


class RunAdmin(ReadOnlyAdmin):
    """Executions of one stage: how they ended, what they cost, what they were made with."""

    list_filter: ClassVar[Any] = ["status"]
    hidden = ["figures", "parameters", "provenance"]
    readonly_fields: ClassVar[list[str] | tuple[str, ...]] = [
        "figures_table",
        "parameters_table",
        "provenance_table",
    ]

    figures_table = json_table("figures", "figures")
    parameters_table = json_table("parameters", "parameters")
    provenance_table = json_table("provenance", "provenance")

    @admin.display(description="seconds", ordering="processing_time_seconds")
    def seconds(self, run: Any) -> str:
        """Show how long the run took."""
        took = run.processing_time_seconds
        return "" if took is None else f"{took:.1f}"

    @admin.display(description="why it failed")
    def reason(self, run: Any) -> str:
        """Show the start of the error."""
        return shortened(run.error_message or "")


def shortened(text: str, length: int = 120) -> str:
    """Cut a long sentence for a list."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def link_to(label: str, key: object, text: str = "") -> str:
    """Give a link to the admin page of a row, from the label of its model ("app.Model")."""
    shown = text or f"{label.rpartition('.')[2]} {key}"
    app_label, _, model = label.lower().partition(".")
    try:
        address = reverse(f"admin:{app_label}_{model}_change", args=[key])
    except NoReverseMatch:  # a table without a page of its own
        return shown
    return format_html('<a href="{}">{}</a>', address, shown)
