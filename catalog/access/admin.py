"""Keys and their accounts, as operators see them; no page shows a key itself."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from knox.models import AuthToken

from astrid.core.admin import ConsoleAdmin, ReadOnlyAdmin
from catalog.access import keys
from catalog.access.models import ApiKey, ExternalIdentity, ServiceAccount

# Where tokens lay before keys had names and scopes: the table is empty since.
admin.site.unregister(AuthToken)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Every key: whose, for what, until when, and when it was used last."""

    introduction = (
        "Keys by which programs act for people or service accounts. People make theirs on the "
        "page Keys of the console; here they are looked at, and revoked."
    )
    list_display = [
        "created_at",
        "owner",
        "kind",
        "name",
        "prefix",
        "scopes",
        "state",
        "expires_at",
        "last_used_at",
    ]
    list_filter = ["kind"]
    list_select_related = ["owner"]
    id_fields = ["pk"]
    hidden = ["digest"]
    readonly_fields = ["state"]
    actions = ["revoke"]

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        """Say whether it still opens anything."""
        return key.state

    @admin.action(description="Revoke", permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Take keys back for good."""
        self.run_each(request, queryset, keys.revoke, "revoked")


@admin.register(ServiceAccount)
class ServiceAccountAdmin(ReadOnlyAdmin):
    """Accounts of programs."""

    introduction = (
        "Accounts of programs, made on the page Keys of the console. Their role is changed, and "
        "they are switched off, where people are: under People and groups."
    )
    list_display = ["user", "purpose", "created_by", "created_at"]
    list_select_related = ["user", "created_by"]


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(ConsoleAdmin):
    """Who is who to an outside issuer of tokens."""

    is_large = False
    introduction = (
        "Users as outside issuers of tokens know them. Add a row to let the holder of such "
        "tokens act as an account of this site."
    )
    list_display = ["user", "issuer", "subject", "follows_issuer", "role", "created_at"]
    list_select_related = ["user"]
    search_fields = ["subject", "user__username"]
    autocomplete_fields = ["user"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExternalIdentity]:
        """Leave superusers to superusers: who links one could act as one."""
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.exclude(user__is_superuser=True)

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **options: Any) -> Any:
        """Offer accounts; superusers to superusers only."""
        if db_field.name == "user" and not request.user.is_superuser:
            options["queryset"] = User.objects.filter(is_superuser=False)
        return super().formfield_for_foreignkey(db_field, request, **options)
