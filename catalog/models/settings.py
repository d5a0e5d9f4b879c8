"""Settings of the science, and their history."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from astrid.core.errors import BadParameters
from astrid.core.models import Record
from catalog import keys


class SystemConfig(Record):
    """A setting of the science, typed and validated by its key."""

    key = models.CharField(max_length=100, unique=True)
    value = models.JSONField(blank=True)  # an empty list of rules is a value
    description = models.TextField(null=True, blank=True)  # noqa: DJ001
    is_active = models.BooleanField(default=True)
    effective_since = models.DateTimeField(
        auto_now_add=True, help_text="When the present value came into force."
    )

    class Meta:
        verbose_name = "setting"
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """Refuse a value that the key does not allow, field by field; fill in the defaults."""
        try:
            problems = keys.problems_of(self.key, self.value)
        except BadParameters as error:  # the key itself is unknown
            raise ValidationError(str(error)) from error
        if problems:
            raise ValidationError({"value": problems})
        self.value = keys.plain(keys.parse(self.key, self.value))


class SettingChange(Record):
    """One change of a setting: who, when, from what to what, and why; never changed itself."""

    setting = models.ForeignKey(SystemConfig, models.CASCADE, related_name="history")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: the program or a command.",
    )
    reason = models.TextField(help_text="Why, in the words of who made it.")
    value_before = models.JSONField(null=True, blank=True)
    value_after = models.JSONField(blank=True)
    was_active = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="setting_change_has_a_reason")
        ]
        indexes = [models.Index(fields=["setting", "-id"])]

    def __str__(self) -> str:
        return f"{self.setting} on {self.created_at:%Y-%m-%d %H:%M}"
