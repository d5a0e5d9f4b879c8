"""What operators see: jobs, settings, audit, catalog, exports and summaries."""

from django.contrib import admin

from astrid.core.admin import quicken
from catalog.access.admin import ApiKeyAdmin, ExternalIdentityAdmin, ServiceAccountAdmin
from catalog.admin.auditlog import AuditLogAdmin, names_of
from catalog.admin.entries import CatalogEntryAdmin
from catalog.admin.files import CrossmatchJobAdmin, ExportJobAdmin, TapJobAdmin
from catalog.admin.jobs import ProcessingJobAdmin
from catalog.admin.summaries import AnalyticsAdmin
from catalog.exports.admin import SavedQueryAdmin
from catalog.settings_admin import SystemConfigAdmin

__all__ = [
    "AnalyticsAdmin",
    "ApiKeyAdmin",
    "AuditLogAdmin",
    "CatalogEntryAdmin",
    "CrossmatchJobAdmin",
    "ExportJobAdmin",
    "ExternalIdentityAdmin",
    "ProcessingJobAdmin",
    "SavedQueryAdmin",
    "ServiceAccountAdmin",
    "SystemConfigAdmin",
    "TapJobAdmin",
    "names_of",
]

quicken(admin.site)  # the last app: everything is registered
