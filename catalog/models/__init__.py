"""The published record, exports and summaries; and what operators see: jobs, settings, audit."""

from catalog.access.models import ApiKey, ExternalIdentity, ServiceAccount
from catalog.analytics.models import Tally
from catalog.exports.models import ExportFormat, SavedQuery
from catalog.live.models import Event
from catalog.models.auditlog import AuditLog
from catalog.models.entries import CatalogEntry, CatalogEntryQuerySet, PublicationState
from catalog.models.files import CrossmatchJob, CrossmatchTarget, ExportJob
from catalog.models.jobs import JobStatus, JobType, ProcessingJob
from catalog.models.settings import SettingChange, SystemConfig
from catalog.models.summaries import Analytics
from catalog.vo.models import TapJob

__all__ = [
    "Analytics",
    "ApiKey",
    "AuditLog",
    "CatalogEntry",
    "CatalogEntryQuerySet",
    "CrossmatchJob",
    "CrossmatchTarget",
    "Event",
    "ExportFormat",
    "ExportJob",
    "ExternalIdentity",
    "JobStatus",
    "JobType",
    "ProcessingJob",
    "PublicationState",
    "SavedQuery",
    "ServiceAccount",
    "SettingChange",
    "SystemConfig",
    "Tally",
    "TapJob",
]
