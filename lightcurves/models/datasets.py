"""What was measured, how, and from what it was derived."""

from collections.abc import Collection
from importlib import import_module
from typing import Any, ClassVar, Self

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from astrid.core.array_bytes import Array
from astrid.core.arrays import NumpyArrayField
from astrid.core.models import Dated
from lightcurves.alignment import align
from lightcurves.models.graph import reachable
from lightcurves.models.missions import Target
from lightcurves.models.observations import Observation, check_cadence_counts
from lightcurves.models.rows import PreparedManager, PreparedQuerySet, PreparedRow, holding
from lightcurves.statistics import summarise

ARRAYS = ("values", "errors")
SUMMARY = frozenset({"n", "minimum", "maximum", "median"})


class PhotometricSource(Dated):
    """How a brightness was taken from pixels: an aperture, a fitted profile."""

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ProcessingMethod(Dated):
    """What was done to a brightness afterwards: a detrending, a correction."""

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    version = models.CharField(
        max_length=20, blank=True, help_text="Of the way it is done, where this program does it."
    )
    parameters = models.JSONField(default=dict, blank=True, help_text="What it was told.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class DataSetQuerySet(PreparedQuerySet["DataSet"]):
    """Light curves that can be asked where their targets are."""

    def cone_search(self, ra: float, dec: float, radius_deg: float) -> Self:
        """Keep light curves of targets within ``radius_deg`` degrees of a position."""
        targets = Target.objects.cone_search(ra, dec, radius_deg)
        return self.filter(target__in=targets.values("pk"))


class DataSetManager(PreparedManager.from_queryset(DataSetQuerySet)):  # type: ignore[misc]
    """Light curves without their arrays."""


class DataSet(PreparedRow):
    """Values of one target at the cadences of one observation, with their errors."""

    DERIVED: ClassVar = {"values": SUMMARY, "errors": frozenset()}

    id = models.AutoField(primary_key=True)
    target = models.ForeignKey(Target, models.CASCADE, related_name="datasets")
    observation = models.ForeignKey(Observation, models.CASCADE, related_name="datasets")
    photometric_method = models.ForeignKey(
        PhotometricSource, models.CASCADE, null=True, blank=True, related_name="datasets"
    )
    processing_method = models.ForeignKey(
        ProcessingMethod, models.CASCADE, null=True, blank=True, related_name="datasets"
    )
    unit = models.CharField(
        max_length=40,
        blank=True,
        help_text="Of values and errors, as astropy writes it: electron / s, mag, uJy.",
    )
    values = NumpyArrayField(dtypes=("float64", "float32"))
    errors = NumpyArrayField(dtypes=("float64", "float32"))
    n = models.PositiveIntegerField(editable=False)
    minimum = models.FloatField(null=True, editable=False, help_text="Of the finite values.")
    maximum = models.FloatField(null=True, editable=False, help_text="Of the finite values.")
    median = models.FloatField(null=True, editable=False, help_text="Of the finite values.")
    t_first = models.FloatField(
        null=True, editable=False, help_text="First barycentric Julian date, once times are stored."
    )
    t_last = models.FloatField(
        null=True, editable=False, help_text="Last barycentric Julian date, once times are stored."
    )
    source_datasets = models.ManyToManyField(
        "self",
        through="DataSetHierarchy",
        through_fields=("child_dataset", "source_dataset"),
        symmetrical=False,
        related_name="derived_datasets",
    )

    objects: ClassVar[Any] = DataSetManager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"DataSet {self.pk}"

    def get_absolute_url(self) -> str:
        """Give an address that leads to it on the page of its target."""
        return reverse("lightcurves:dataset", args=[self.pk])

    @classmethod
    def prepare_rows(cls, rows: Collection[Any]) -> None:
        """Measure the arrays, check their lengths, and look up the span of time."""
        changed = holding(rows, *ARRAYS)
        for row in changed:
            row.measure()
        check_cadence_counts(changed)
        _take_time_spans(rows)

    @classmethod
    def with_derived(cls, fields: Any) -> set[str]:
        """Add the span of time where target or observation change."""
        found = super().with_derived(fields)
        return found | {"t_first", "t_last"} if found & {"target", "observation"} else found

    def measure(self) -> None:
        """Fill in the statistics of the values; refuse errors of another length."""
        values, errors = map(self.take_array, ARRAYS)
        if values.size != errors.size:
            raise ValidationError(
                f"values has {values.size} numbers, errors {errors.size}; they must agree"
            )
        found = summarise(values)
        self.n, self.median = found.n, found.median
        self.minimum, self.maximum = found.minimum, found.maximum

    def aligned_to(self, reference: Observation, *, strict: bool = True) -> tuple[Array, Array]:
        """Give values and errors at the cadences of another observation, NaN where there is none.

        Raises
        ------
        NotAligned
            If ``strict`` and the reference lacks one of this dataset's cadences.
        """
        own: Any = self.observation.cadence_reference
        wanted: Any = reference.cadence_reference
        values, errors = (align(getattr(self, name), own, wanted, strict=strict) for name in ARRAYS)
        return values, errors

    def to_astropy(self) -> Any:
        """Give the curve as a TimeSeries of astropy: `lightcurves.exporting.series`."""
        return import_module("lightcurves.exporting.series").to_astropy(self)

    def to_lightkurve(self) -> Any:
        """Give the curve as a LightCurve of lightkurve, which has to be installed."""
        return import_module("lightcurves.exporting.series").to_lightkurve(self)

    def sources(self) -> "models.QuerySet[DataSet]":
        """Give everything this one was derived from, at any remove, in one query."""
        return self._lineage(start="child_dataset", to="source_dataset")

    def derivatives(self) -> "models.QuerySet[DataSet]":
        """Give everything derived from this one, at any remove, in one query."""
        return self._lineage(start="source_dataset", to="child_dataset")

    def _lineage(self, *, start: str, to: str) -> "models.QuerySet[DataSet]":
        keys = reachable(DataSetHierarchy, start=start, to=to, key=self.pk)
        found: models.QuerySet[DataSet] = DataSet.objects.filter(pk__in=keys)
        return found


def _take_time_spans(rows: Collection[DataSet]) -> None:
    """Copy the span of time from the stored times of the same target and observation."""
    times = apps.get_model("lightcurves", "TargetSpecificTime")._base_manager.filter(
        target__in={row.target_id for row in rows},
        observation__in={row.observation_id for row in rows},
    )
    found = times.values_list("target", "observation", "t_first", "t_last")
    spans = {(target, observation): span for target, observation, *span in found}
    for row in rows:
        row.t_first, row.t_last = spans.get((row.target_id, row.observation_id), (None, None))


class DataSetHierarchyManager(models.Manager["DataSetHierarchy"]):
    """Steps of derivation, with no array read along."""

    def get_queryset(self) -> "models.QuerySet[DataSetHierarchy]":
        """Leave out the arrays of both ends, should they be joined in."""
        ends = ("source_dataset", "child_dataset")
        return super().get_queryset().defer(*(f"{end}__{name}" for end in ends for name in ARRAYS))


class DataSetHierarchy(Dated):
    """One dataset was derived from another; a trigger of the database refuses circles."""

    id = models.AutoField(primary_key=True)
    source_dataset = models.ForeignKey(DataSet, models.CASCADE, related_name="links_to_children")
    child_dataset = models.ForeignKey(DataSet, models.CASCADE, related_name="links_to_sources")

    objects = DataSetHierarchyManager()

    class Meta:
        verbose_name_plural = "data set hierarchy"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source_dataset", "child_dataset"], name="datasethierarchy_once"
            ),
            models.CheckConstraint(
                condition=~Q(source_dataset=F("child_dataset")), name="datasethierarchy_not_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_dataset_id} → {self.child_dataset_id}"

    def clean(self) -> None:
        """Refuse a source that is the child itself or was derived from it."""
        super().clean()
        if None in (self.source_dataset_id, self.child_dataset_id):
            return
        derived = DataSet(pk=self.child_dataset_id).derivatives()
        itself = self.source_dataset_id == self.child_dataset_id
        if itself or derived.filter(pk=self.source_dataset_id).exists():
            raise ValidationError(
                f"DataSet {self.source_dataset_id} is, or was derived from, "
                f"DataSet {self.child_dataset_id}; it cannot be its source"
            )
