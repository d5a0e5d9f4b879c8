"""Who changed what."""

from django.db import models

from astrid.core.ids import new_id


class AuditLog(models.Model):
    """Who changed what, from where; written by the database, never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    entity_type = models.CharField(max_length=50)
    entity_id = models.UUIDField()
    action = models.CharField(max_length=50)
    user_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    old_values = models.JSONField(null=True, blank=True)
    new_values = models.JSONField(null=True, blank=True)
    change_summary = models.TextField(null=True, blank=True)  # noqa: DJ001
    ip_address = models.CharField(max_length=45, null=True, blank=True)  # noqa: DJ001
    user_agent = models.TextField(null=True, blank=True)  # noqa: DJ001

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["entity_type", "-id"], name="audit_of_table"),
            models.Index(fields=["entity_id", "-id"], name="audit_of_row"),
            models.Index(fields=["user_id", "-id"]),
            models.Index(fields=["action", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.entity_type} {self.entity_id}"
