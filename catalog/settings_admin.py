"""The settings of the science: typed forms, a look at the change, its reason, its history."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from astrid.core.admin import ConsoleAdmin
from astrid.core.errors import AstridError
from catalog import changes, keys, sheets
from catalog.models import SettingChange, SystemConfig
from catalog.sheets import Sheet

_LATEST = 50


@admin.register(SystemConfig)
class SystemConfigAdmin(ConsoleAdmin):
    """Settings; a bad value is refused with the reason, a change is kept with its own."""

    is_large = False
    introduction = (
        "Settings of the science. A change holds from the next run on; every run keeps "
        "the values it was made with."
    )
    list_display = ["key", "domain", "description", "state", "effective_since"]
    search_fields = ["key__icontains", "description__icontains"]
    search_help_text = "A key or a word of its description"
    fields = ("key", "description", "value", "is_active")
    readonly_fields = ("key", "description", "value", "is_active")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: every key that the program reads is there."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: switch a setting off to go back to its default."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody change what nothing reads."""
        is_read = obj is None or obj.key in keys.SETTINGS
        return is_read and super().has_change_permission(request, obj)

    @admin.display(description="part")
    def domain(self, row: SystemConfig) -> str:
        """Link to the form with all settings of the same part of the program."""
        if row.key not in keys.SETTINGS:
            return "-"
        name = sheets.domain_of(row.key)
        address = reverse("admin:catalog_systemconfig_domain", args=[name])
        return format_html('<a href="{}">{}</a>', address, name)

    @admin.display(description="state")
    def state(self, row: SystemConfig) -> str:
        """Say whether the stored value can be used."""
        return Sheet(row).state if row.key in keys.SETTINGS else "nothing reads this key"

    def get_urls(self) -> list[URLPattern]:
        """Add the form of a part of the program, and going back."""
        name, view = "catalog_systemconfig", self.admin_site.admin_view
        back = view(require_POST(self.revert_view))
        return [
            path("part/<slug:domain>/", view(self.domain_view), name=f"{name}_domain"),
            path("changes/<uuid:key>/revert/", back, name=f"{name}_revert"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form of one setting; one that nothing reads is only shown."""
        row = self.get_object(request, object_id)
        if row is None or row.key not in keys.SETTINGS:
            return super().change_view(request, object_id, form_url, extra_context)
        return self._form_view(request, [row], f"Setting {row.key}")

    def domain_view(self, request: HttpRequest, domain: str) -> HttpResponse:
        """Show all settings of one part of the program in one form."""
        rows = list(SystemConfig.objects.filter(key__in=sheets.keys_of(domain)))
        if not rows:
            raise Http404(f"no setting belongs to {domain!r}")
        return self._form_view(request, rows, f"Settings of {domain}")

    def _form_view(
        self, request: HttpRequest, rows: Sequence[SystemConfig], title: str
    ) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._page(request, [Sheet(row) for row in rows], title, [])
        if not self.has_change_permission(request):
            raise PermissionDenied
        shown = [Sheet(row, request.POST) for row in rows]
        sound = [sheet.is_valid() for sheet in shown]  # each is asked, so that each is marked
        if not all(sound):
            messages.error(request, "Nothing was saved: see the fields marked below.")
            return self._page(request, shown, title, [])
        found = _differences(shown)
        if not found:
            messages.info(request, "Nothing would change.")
        was_shown = request.POST.get("looked_at") == sheets.digest(found)
        if found and was_shown and "save" in request.POST and self._save(request, shown):
            return HttpResponseRedirect(request.path)
        return self._page(request, shown, title, _differences(shown))

    def _save(self, request: HttpRequest, shown: Sequence[Sheet]) -> bool:
        """Bring the forms into force; say why not, and let them be looked at again."""
        wishes = [sheet.wish() for sheet in shown]
        reason = request.POST.get("reason", "")
        try:
            made = changes.make(wishes, by=request.user, reason=reason)  # type: ignore[arg-type]
        except AstridError as error:
            messages.error(request, str(error))
            for sheet in shown:
                sheet.look_again()
            return False
        names = ", ".join(change.setting.key for change in made)
        messages.success(request, f"Saved: {names}. It holds from the next run on.")
        return True

    def _page(
        self,
        request: HttpRequest,
        shown: Sequence[Sheet],
        title: str,
        found: Sequence[changes.Difference],
    ) -> HttpResponse:
        history = SettingChange.objects.filter(setting__in=[sheet.row for sheet in shown])
        latest = history.select_related("setting", "made_by")[:_LATEST]
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "sheets": [(sheet, _runs_of(sheet.row)) for sheet in shown],
            "differences": found,
            "looked_at": sheets.digest(found) if found else "",
            "reason": request.POST.get("reason", ""),
            "may_change": self.has_change_permission(request),
            "history": [(each, changes.differences_of(each)) for each in latest],
        }
        return TemplateResponse(request, "admin/catalog/systemconfig/sheets.html", context)

    def revert_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Bring the value before a change into force again."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        change = get_object_or_404(SettingChange.objects.select_related("setting"), pk=key)
        reason = f"back to before {change.created_at:%Y-%m-%d %H:%M:%S} UTC ({change.reason})"
        try:
            made = changes.revert(change, by=request.user, reason=reason)  # type: ignore[arg-type]
        except AstridError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, reason if made else "That value is in force already.")
        address = reverse("admin:catalog_systemconfig_change", args=[change.setting_id])
        return HttpResponseRedirect(address)


def _differences(shown: Sequence[Sheet]) -> list[changes.Difference]:
    return [each for sheet in shown for each in sheet.differences()]


def _runs_of(row: SystemConfig) -> str:
    """Give the address of what ran with the value that is in force; empty where nothing runs."""
    if row.key not in sheets.RUNS:
        return ""
    since = urlencode({"created_at__gte": row.effective_since.isoformat()})
    return f"{reverse(f'admin:{sheets.RUNS[row.key]}_changelist')}?{since}"
