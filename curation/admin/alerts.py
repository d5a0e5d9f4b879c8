"""Alerts, where they go, and what came of each message."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from astrid.core.errors import InvalidTransition
from curation import delivery
from curation.models import Alert, AlertChannel, AlertRule, Delivery
from detection.admin.base import ReadOnlyAdmin


class DeliveryInline(admin.TabularInline):
    """The messages of one alert."""

    model = Delivery
    fields = (
        "channel",
        "status",
        "attempts",
        "next_attempt_at",
        "delivered_at",
        "response_code",
        "error_message",
    )
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: rules write these."""
        return False


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """Alerts, newest first."""

    list_display = [
        "created_at",
        "title",
        "priority",
        "alert_type",
        "rule",
        "status",
        "delivery_attempts",
        "error_message",
    ]
    list_filter = ["status", "priority", "alert_type"]
    list_select_related = ["rule"]
    search_fields = ["title__icontains"]
    inlines = [DeliveryInline]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """The outbox."""

    list_display = [
        "created_at",
        "alert",
        "channel",
        "status",
        "attempts",
        "next_attempt_at",
        "response_code",
        "error_message",
    ]
    list_filter = ["status", "channel"]
    list_select_related = ["alert", "channel"]
    actions = ["redeliver", "cancel"]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Say whether this person may put messages back or take them out."""
        return request.user.has_perm("curation.change_delivery")

    @admin.action(description="Deliver again", permissions=["operate"])
    def redeliver(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Put failed messages back into the outbox."""
        self._each(request, queryset, delivery.redeliver, "put back into the outbox")

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Take messages out of the outbox."""
        self._each(request, queryset, delivery.cancel, "cancelled")

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Delivery],
        act: Callable[[Delivery], None],
        done: str,
    ) -> None:
        refusals = []
        rows = list(queryset)
        for row in rows:
            try:
                act(row)
            except InvalidTransition as error:
                refusals.append(str(error))
        if len(rows) > len(refusals):
            self.message_user(request, f"{len(rows) - len(refusals)} {done}.", messages.SUCCESS)
        if refusals:
            words = f"{len(refusals)} refused: {'; '.join(refusals)}"
            self.message_user(request, words, messages.ERROR)


class AlertChannelForm(forms.ModelForm):
    """A channel whose secret goes in and never comes out."""

    secret = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.PasswordInput(render_value=False),
        help_text="Signs webhook bodies (HMAC-SHA256). Leave empty to keep the present one.",
    )

    class Meta:
        model = AlertChannel
        fields = ["name", "kind", "address", "secret", "is_active"]

    def clean_secret(self) -> str:
        """Keep the stored secret where none was typed."""
        typed: str = self.cleaned_data["secret"]
        return typed or self.initial.get("secret", "")


@admin.register(AlertChannel)
class AlertChannelAdmin(admin.ModelAdmin):
    """Addresses that alerts go to."""

    form = AlertChannelForm
    list_display = ["name", "kind", "address", "is_active"]
    list_filter = ["kind", "is_active"]


@admin.register(AlertRule)
class AlertRuleAdmin(ReadOnlyAdmin):
    """Rules as they were last applied; they are edited in the setting ``alert_rules``."""

    list_display = ["name", "trigger", "min_confidence", "detection_types", "priority", "is_active"]
    list_filter = ["is_active", "trigger"]
