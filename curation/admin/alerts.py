"""Alerts, where they go, and what came of each message."""

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from astrid.core.admin import ConsoleAdmin, ReadOnlyAdmin, ReadOnlyInline
from curation import delivery, resending
from curation.models import Alert, AlertChannel, AlertRule, Delivery


class DeliveryInline(ReadOnlyInline):
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


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """Alerts, newest first."""

    introduction = (
        "Written by the rules of the setting alert_rules: one for each detection that a rule "
        "picks, and one where the scores of a network begin to drift, and one where that is over."
    )
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
    list_filter = ["status", "priority", "rule"]
    list_select_related = ["rule"]
    search_help_text = "The id of an alert or a detection"
    id_fields = ["pk", "detection_id"]
    inlines = [DeliveryInline]
    actions = ["send_again", "withdraw"]

    @admin.action(description="Try again what failed", permissions=["operate"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        """Put the failed messages of alerts back into the outbox."""
        self.run_each(request, queryset, resending.send_again, "put back into the outbox")

    @admin.action(description="Withdraw", permissions=["operate"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        """Hold back what waits or failed of alerts."""
        self.run_each(request, queryset, resending.withdraw, "withdrawn")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """The outbox."""

    introduction = (
        "One message to one channel. A failed attempt is repeated by itself after a wait; "
        "“Deliver again” repeats one that was given up."
    )
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

    @admin.action(description="Deliver again", permissions=["operate"])
    def redeliver(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Put failed messages back into the outbox."""
        self.run_each(request, queryset, delivery.redeliver, "put back into the outbox")

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Take messages out of the outbox."""
        self.run_each(request, queryset, delivery.cancel, "cancelled")


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
class AlertChannelAdmin(ConsoleAdmin):
    """Addresses that alerts go to."""

    is_large = False
    introduction = "E-mail addresses and webhooks; the setting alert_rules names them."
    form = AlertChannelForm
    list_display = ["name", "kind", "address", "is_active"]
    list_filter = ["kind", "is_active"]


@admin.register(AlertRule)
class AlertRuleAdmin(ReadOnlyAdmin):
    """Rules as they were last applied; they are edited in the setting ``alert_rules``."""

    is_large = False
    introduction = (
        "Rules as they were last applied. They are written in the setting alert_rules "
        "(Settings in the bar above) and show up here with the first detection that they "
        "are asked about."
    )
    list_display = ["name", "trigger", "min_confidence", "detection_types", "priority", "is_active"]
    list_filter = ["is_active", "trigger"]
