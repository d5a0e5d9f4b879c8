"""Keys of programs and their owners; :mod:`catalog.models` brings them into the database."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from astrid.core.models import Record


class KeyKind(models.TextChoices):
    """How a key came about."""

    LOGIN = "login", "made by signing in over the API"
    PERSONAL = "personal", "personal token"
    SERVICE = "service", "service key"


class ServiceAccount(Record):
    """An account of a program: it has a role and keys, and no password."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="service_account"
    )
    purpose = models.CharField(max_length=200, help_text="What the program does.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        app_label = "catalog"
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(self.user)


class ApiKey(Record):
    """A key by which a program acts for its owner; of the key itself only a hash is kept."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    kind = models.CharField(max_length=20, choices=KeyKind)
    name = models.CharField(max_length=100, help_text="What it is for.")
    prefix = models.CharField(max_length=20, help_text="How the key begins, to tell it by.")
    digest = models.CharField(max_length=128, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), help_text="What it may be used for.")
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        app_label = "catalog"
        verbose_name = "API key"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=KeyKind.values), name="apikey_kind"),
            models.CheckConstraint(condition=Q(scopes__len__gt=0), name="apikey_has_a_scope"),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"]),
            models.Index(fields=["kind", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def has_expired(self, now: datetime | None = None) -> bool:
        """Say whether its time is over."""
        return self.expires_at is not None and self.expires_at <= (now or timezone.now())

    @property
    def state(self) -> str:
        """Say in a word whether it still opens anything."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.has_expired() else "valid"


class ExternalIdentity(Record):
    """Who a user is to an outside issuer of tokens; never told by an e-mail address."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="external_identities"
    )
    issuer = models.CharField(max_length=300, help_text="The claim iss.")
    subject = models.CharField(max_length=255, help_text="The claim sub.")
    follows_issuer = models.BooleanField(
        default=False,
        help_text="The role is taken from the token; off for accounts of this site.",
    )

    role = models.CharField(
        max_length=20, blank=True, editable=False, help_text="The role that the issuer told last."
    )

    class Meta:
        app_label = "catalog"
        verbose_name_plural = "external identities"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="identity_once")]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"
