"""The light-curve store for operators."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from lightcurves.admin.analysing import AnalysisActions
from lightcurves.admin.pages import CountingAdmin, KindFilter, MeasuredAdmin, StoreAdmin
from lightcurves.exporting.tables import how
from lightcurves.models import (
    ALeRCEQualityFlags,
    BinnedObservation,
    DataSet,
    DataSetHierarchy,
    DifferenceQualityFlags,
    FITSFrame,
    ForcedObservation,
    HSTObservation,
    Instrument,
    KeplerObservation,
    KeplerQualityFlags,
    Mission,
    MissionCatalog,
    Observation,
    PhotometricSource,
    ProcessingMethod,
    QualityFlagArray,
    Target,
    TargetSpecificTime,
    TESSObservation,
    TESSQualityFlags,
    TGLCQualityFlags,
    TotalQualityFlags,
    ZTFObservation,
    ZTFQualityFlags,
)
from lightcurves.sparkline import sparkline

MOST_PICTURES = 20


def picture_of(dataset: int) -> SafeString:
    """Give a small picture of a light curve."""
    address = reverse("lightcurves:sparkline", args=[dataset])
    return format_html('<img src="{}" width="160" height="40" loading="lazy" alt="">', address)


@admin.register(Mission)
class MissionAdmin(CountingAdmin):
    """Missions and how they count time."""

    is_large = False
    list_display = ["name", "time_format_name", "time_epoch", "time_epoch_scale", "time_unit"]
    search_fields = ["name", "time_format_name"]


@admin.register(MissionCatalog)
class MissionCatalogAdmin(CountingAdmin):
    """Catalogues of missions."""

    is_large = False
    list_display = ["name", "host_mission", "description"]
    list_select_related = ["host_mission"]
    search_fields = ["name"]


@admin.register(Target)
class TargetAdmin(CountingAdmin):
    """Targets by number."""

    list_display = ["name", "catalog", "ra", "dec"]
    readonly_fields = ["curves"]
    list_filter = ["catalog"]
    list_select_related = ["catalog"]
    search_fields = ["=name"]
    autocomplete_fields = ["catalog"]

    @admin.display(description="light curves")
    def curves(self, row: Target) -> SafeString:
        """Show the newest light curves at a glance, each leading to its row."""
        rows = row.datasets.select_related("photometric_method", "processing_method")
        newest = rows.order_by("-id")[:MOST_PICTURES] if row.pk else []
        lines = [
            (
                reverse("admin:lightcurves_dataset_change", args=[one.pk]),
                picture_of(one.pk),
                how(one),
            )
            for one in newest
        ]
        return format_html_join("", '<p><a href="{}">{} {}</a></p>', lines) or mark_safe("none")


@admin.register(Instrument)
class InstrumentAdmin(CountingAdmin):
    """Instruments, parts below their whole."""

    is_large = False
    list_display = ["name", "parent", "properties"]
    list_select_related = ["parent"]
    search_fields = ["name"]
    autocomplete_fields = ["parent"]
    readonly_fields = ["place"]

    @admin.display(description="part of")
    def place(self, row: Instrument) -> str:
        """Give the way from the whole down to this part."""
        stored = Instrument.objects.filter(pk=row.pk).first()  # a form may hold a wrong parent
        return " / ".join(map(str, stored.path())) if stored else "-"


@admin.register(Observation)
class ObservationAdmin(MeasuredAdmin):
    """Observations of every kind."""

    list_display = ["__str__", "type", "instrument", "n", "cadence_first", "cadence_last"]
    list_filter = [KindFilter]
    list_select_related = ["instrument"]
    autocomplete_fields = ["instrument"]
    search_fields = ["=id"]
    derived = ["n", "cadence_first", "cadence_last"]


class KindAdmin(ObservationAdmin):
    """Observations of one kind, with a column for each of its values."""

    list_filter = []

    def get_list_display(self, request: Any) -> Any:
        """Put the kind's values beside the columns all observations have."""
        return ["id", *self.model.typed(), "instrument", "n"]


admin.site.register(
    [
        TESSObservation,
        HSTObservation,
        KeplerObservation,
        ZTFObservation,
        ForcedObservation,
        BinnedObservation,
    ],
    KindAdmin,
)


@admin.register(FITSFrame)
class FITSFrameAdmin(StoreAdmin):
    """Files by cadence."""

    list_display = ["type", "cadence", "observation", "bitpix", "naxis_values", "file_path"]
    list_filter = [KindFilter]
    list_select_related = ["observation"]
    raw_id_fields = ["observation"]
    deferred = ["observation__cadence_reference"]


@admin.register(PhotometricSource, ProcessingMethod)
class MethodAdmin(CountingAdmin):
    """Ways to measure and to process."""

    is_large = False
    list_display = ["name", "description"]
    search_fields = ["name"]


class SourceInline(admin.TabularInline):
    """What a dataset was derived from."""

    model = DataSetHierarchy
    fk_name = "child_dataset"
    raw_id_fields = ["source_dataset"]
    verbose_name_plural = "derived from"
    extra = 0


@admin.register(DataSet)
class DataSetAdmin(AnalysisActions, MeasuredAdmin):
    """Light curves, by target."""

    list_display = [
        "id",
        "thumbnail",
        "target",
        "observation",
        "photometric_method",
        "processing_method",
        "n",
        "median",
        "minimum",
        "maximum",
    ]
    list_filter = ["photometric_method", "processing_method", "target__catalog"]
    list_select_related = [
        "target__catalog",
        "observation",
        "photometric_method",
        "processing_method",
    ]
    search_fields = ["=target__name"]
    raw_id_fields = ["target", "observation"]
    deferred = ["observation__cadence_reference"]
    derived = ["plot", "n", "minimum", "maximum", "median", "t_first", "t_last"]
    inlines = [SourceInline]

    @admin.display(description="light curve")
    def thumbnail(self, row: DataSet) -> SafeString:
        """Show a picture that comes when it is near the window: a list reads no array."""
        return picture_of(row.pk)

    @admin.display(description="light curve")
    def plot(self, row: DataSet) -> SafeString:
        """Draw the values; `sparkline` writes numbers only, nothing of a user's."""
        return mark_safe(sparkline(row.values))  # type: ignore[arg-type]  # noqa: S308


@admin.register(DataSetHierarchy)
class DataSetHierarchyAdmin(CountingAdmin):
    """Steps of derivation."""

    list_display = ["id", "source_dataset", "child_dataset"]
    list_select_related = ["source_dataset", "child_dataset"]
    raw_id_fields = ["source_dataset", "child_dataset"]


@admin.register(TargetSpecificTime)
class TargetSpecificTimeAdmin(MeasuredAdmin):
    """Barycentric times."""

    list_display = ["id", "target", "observation", "n", "t_first", "t_last"]
    list_select_related = ["target__catalog", "observation"]
    search_fields = ["=target__name"]
    raw_id_fields = ["target", "observation"]
    deferred = ["observation__cadence_reference"]
    derived = ["n", "t_first", "t_last"]


@admin.register(
    QualityFlagArray,
    TESSQualityFlags,
    TGLCQualityFlags,
    KeplerQualityFlags,
    ZTFQualityFlags,
    ALeRCEQualityFlags,
    DifferenceQualityFlags,
    TotalQualityFlags,
)
class QualityFlagArrayAdmin(MeasuredAdmin):
    """Quality flags."""

    list_display = ["id", "type", "observation", "target", "n", "flagged", "created_on"]
    list_filter = [KindFilter]
    list_select_related = ["observation", "target__catalog"]
    raw_id_fields = ["observation", "target"]
    deferred = ["observation__cadence_reference"]
    derived = ["n", "flagged", "bits", "created_on"]

    @admin.display(description="cadences with each bit")
    def bits(self, row: QualityFlagArray) -> str:
        """Count the cadences that have each of the kind's named bits."""
        names = [] if row.BITS is None else list(row.BITS.__members__)
        counts = {name: int(row.has(name).sum()) for name in names}
        shown = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        return format_html("{}", shown or "none named")
