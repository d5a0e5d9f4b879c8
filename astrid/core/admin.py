"""What every console page of the admin shares: reading without writing, cones, links."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from astrid.core import cones, searching
from astrid.core.changelist import REACH, KeysetList
from astrid.core.columns import Column, readable
from astrid.core.errors import AstridError
from astrid.core.indexes import can_order
from astrid.core.tables import as_table

_MOST_REFUSALS = 10
_IDS_ONLY = ["id"]  # shows the search box of a table whose rows have no names


class ConsoleAdmin(admin.ModelAdmin):
    """A list that stays quick on tables with millions of rows, and finds a row by its id."""

    is_large = True  # no bound on its rows: order, filter and search by indexes only
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields: ClassVar[list[str] | tuple[str, ...]] = _IDS_ONLY
    search_help_text = "An id"
    id_fields: ClassVar[Sequence[str]] = ["pk"]  # which columns an id in the search box may mean
    introduction = ""  # what a list is and where its rows come from, said above it
    beside = ""  # the name of a page of the console about the same, linked above the list
    beside_words = ""

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """List rows in pages that begin behind a row."""
        return KeysetList

    def get_list_display(self, request: HttpRequest) -> list[Column]:
        """Show figures with the decimals that they are known to."""
        return [readable(self.opts, name) for name in super().get_list_display(request)]

    def get_sortable_by(self, request: HttpRequest) -> list[Column]:
        """Offer a large table in the orders that an index holds."""
        columns: Any = super().get_sortable_by(request)
        if not self.is_large:
            return list(columns)
        return [each for each in columns if can_order(self.model, self._order_of(each))]

    def _order_of(self, column: Column) -> str:
        columns = {field.name for field in self.opts.concrete_fields}
        if isinstance(column, str) and (column in columns or not hasattr(self, column)):
            return column
        shown = column if callable(column) else getattr(self, column)
        return str(getattr(shown, "admin_order_field", None) or "").removeprefix("-")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find a row by an id; anything else is looked for in ``search_fields``."""
        words = search_term.strip().replace("\x00", "")
        key = searching.key_in(words)
        has_uuids = isinstance(self.opts.pk, models.UUIDField)
        if key is not None and has_uuids:
            return searching.with_key(queryset, self.id_fields, key), False
        if words and has_uuids and list(self.search_fields) == _IDS_ONLY:
            self.message_user(request, f"{words!r} is not an id", messages.ERROR)
            return queryset.none(), False
        if words and self.is_large:
            return self._named(request, queryset, words), False
        return super().get_search_results(request, queryset, words)

    def _named(self, request: HttpRequest, queryset: QuerySet, words: str) -> QuerySet:
        found, is_cut = searching.named(queryset, list(self.search_fields), words)
        if is_cut:
            said = f"More than {searching.MOST_NAMES:,} names begin with {words!r}; type more"
            self.message_user(request, said, messages.WARNING)
        return found

    def response_action(
        self, request: HttpRequest, queryset: QuerySet, *options: Any
    ) -> HttpResponse | None:
        """Act on the selected rows; on all that match, up to a bound that is said."""
        if request.POST.get("select_across", "0") != "1":
            return super().response_action(request, queryset, *options)
        keys = list(queryset.values_list("pk", flat=True)[: REACH + 1])
        if len(keys) > REACH:
            said = f"Only the first {REACH:,} of the list were taken: repeat it for the rest."
            self.message_user(request, said, messages.WARNING)
        return super().response_action(request, queryset.filter(pk__in=keys[:REACH]), *options)

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


class FirstRows(forms.BaseInlineFormSet):
    """The first rows below another: an object may have ten thousand."""

    MOST = 100
    _shown: Any = None

    def get_queryset(self) -> Any:
        """Fetch no more than a page holds, once."""
        if self._shown is None:
            self._shown = super().get_queryset()[: self.MOST]
        return self._shown


class ReadOnlyInline(admin.TabularInline):
    """Rows of the pipeline below the row that they belong to, the first hundred."""

    formset = FirstRows
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the pipeline adds these rows."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Fetch the rows with those that their columns name."""
        shown = {
            field.name
            for field in self.opts.fields
            if field.is_relation
            and (field.name in (self.fields or ()) or field.related_model is self.parent_model)
        }
        return super().get_queryset(request).select_related(*shown)

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


@admin.display(description="progress")
def how_far(_page: Any, row: Any) -> str:
    """Show how far running work has come: a bar where its total is known, else what is done."""
    if row.status != "running":
        return ""
    done = "" if row.work_done is None else f"{row.work_done:,}"
    if row.progress is None:
        return f"{done} done" if done else ""
    return format_html(
        '<progress max="1" value="{}">{} %</progress> {} of {}',
        f"{row.progress:.4f}",
        f"{100 * row.progress:.0f}",
        done,
        f"{row.work_total:,}",
    )


class RunAdmin(ReadOnlyAdmin):
    """Executions of one stage: how they ended, what they cost, what they were made with."""

    is_large = False
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


def quicken(site: admin.AdminSite) -> None:
    """Page the lists of the frameworks' tables (people, tokens, sign-ins) as our own are."""
    for page in site._registry.values():
        if not isinstance(page, ConsoleAdmin):
            page.get_changelist = _keyset_list  # type: ignore[method-assign]


def _keyset_list(request: HttpRequest, **options: Any) -> type[ChangeList]:
    return KeysetList
