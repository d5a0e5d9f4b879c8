"""What pages of the store share: arrays as words, permissions of kinds."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_permission_codename

from astrid.core.admin import ConsoleAdmin
from lightcurves.admin.deleting import counted
from lightcurves.deleting import delete_all
from lightcurves.statistics import summarise


def in_words(array: Any) -> str:
    """Give an array's length, dtype and extremes."""
    found = summarise(array)
    return f"{found.n} x {array.dtype}, from {found.minimum} to {found.maximum}"


@cache
def summary_of(name: str) -> Callable[[Any], str]:
    """Give a read-only admin column that stands for the array ``name``.

    Always the same function for the same name: the admin compares them.
    """

    @admin.display(description=name.replace("_", " "))
    def show(row: Any) -> str:
        array = getattr(row, name)
        return "-" if array is None else in_words(array)

    return show


class KindFilter(admin.SimpleListFilter):
    """Rows of one kind; the program knows which there are."""

    title = "type"
    parameter_name = "type__exact"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """List the kinds of the table."""
        return [(kind, kind) for kind in sorted(model_admin.model.kinds)]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Keep the rows of the chosen kind."""
        return queryset.filter(type=self.value()) if self.value() else queryset


class CountingAdmin(ConsoleAdmin):
    """A page that counts what a deletion takes along where that is too much to list."""

    def get_deleted_objects(self, objs: Any, request: Any) -> Any:
        """Count by the database, or list as Django does."""
        return counted(self, list(objs), request) or super().get_deleted_objects(objs, request)

    def delete_model(self, request: Any, obj: Any) -> None:
        """Delete a row; what hangs on it by the database where that is too much to fetch."""
        if not self._delete([obj], request):
            super().delete_model(request, obj)

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        """Delete rows; what hangs on them by the database where that is too much to fetch."""
        if not self._delete(list(queryset), request):
            super().delete_queryset(request, queryset)

    def _delete(self, rows: list[Any], request: Any) -> bool:
        """Delete rows of which very much hangs; tell whether they were such."""
        if counted(self, rows, request) is None:
            return False
        table = self.model._meta.concrete_model
        delete_all(table._base_manager.filter(pk__in=[row.pk for row in rows]), table)
        return True


class StoreAdmin(CountingAdmin):
    """A page of rows without the arrays of rows joined to them."""

    deferred: Sequence[str] = ()

    def get_queryset(self, request: Any) -> Any:
        """Leave out arrays of joined rows; the manager leaves out this row's own."""
        return super().get_queryset(request).defer(*self.model_arrays(), *self.deferred)

    def model_arrays(self) -> Sequence[str]:
        """Name the arrays of the row itself."""
        named = getattr(self.model, "array_fields", None)
        return named() if named else ()


class MeasuredAdmin(StoreAdmin):
    """Rows with arrays: they come from files, so nobody types them in."""

    derived: Sequence[str] = ("n",)

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """Show each array as one line of words, and what follows from it."""
        return [*map(summary_of, self.model_arrays()), *self.derived, "created_at", "updated_at"]

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        """Let those see who may see or change the table."""
        return self._may(request, "view") or self._may(request, "change")

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Let those change who may change the table."""
        return self._may(request, "change")

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Let those delete who may delete from the table."""
        return self._may(request, "delete")

    def _may(self, request: Any, action: str) -> bool:
        """Ask for the permission on the table: a kind of row has none of its own."""
        table = self.model._meta.concrete_model._meta
        codename = get_permission_codename(action, table)
        return bool(request.user.has_perm(f"{table.app_label}.{codename}"))

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        """Refuse: an import makes these rows."""
        return False
