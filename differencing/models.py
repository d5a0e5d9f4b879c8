"""Reference images, subtractions, and what stands out in them."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from astrid.core.brightness import Brightness
from astrid.core.models import UNFINISHED, Record, Run, RunStatus
from astrid.core.sky import SkyPosition, SkyQuerySet
from astrid.core.states import Transitions
from differencing.parameters import Algorithm
from observations.models import Observation, Survey
from preprocessing.photometry.magnitudes import System

SYSTEMS = [str(each) for each in System]


class ReferenceImageQuerySet(SkyQuerySet["ReferenceImage"]):
    """Questions asked of baselines more than once."""

    def in_force(self) -> "ReferenceImageQuerySet":
        """Baselines that may be subtracted now."""
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=timezone.now()), is_active=True)

    def stacks(self) -> "ReferenceImageQuerySet":
        """Baselines made from several frames."""
        return self.filter(number_of_frames__gt=1)


class ReferenceImage(Record, SkyPosition):
    """The baseline of a sky cell, survey and filter."""

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="reference_images")
    filter_band = models.CharField(max_length=50)
    instrument = models.CharField(
        max_length=100, blank=True, help_text="Camera; empty when the frames do not name it."
    )
    observations = models.ManyToManyField(Observation, related_name="reference_images")
    number_of_frames = models.PositiveIntegerField(default=1, help_text="More than 1: a stack.")
    grid_observation = models.ForeignKey(
        Observation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="grid_references",
        help_text="Whose pixel grid the image is on.",
    )
    file_path = models.CharField(max_length=500)
    radius_deg = models.FloatField(help_text="From the centre to the farthest corner, degrees.")
    footprint = models.JSONField(
        null=True, blank=True, help_text="Corners [[ra, dec], ...], degrees, ICRS."
    )
    coverage = models.FloatField(
        null=True, blank=True, help_text="Share of the grid that has data, 0 to 1."
    )
    exposure_time = models.FloatField(
        null=True, blank=True, help_text="Seconds of the exposure whose flux scale it has."
    )
    depth = models.FloatField(null=True, blank=True, help_text="Limiting flux at 5 sigma, ADU.")
    limiting_magnitude = models.FloatField(
        null=True, blank=True, help_text="That limit in photometric_system, where calibrated."
    )
    photometric_system = models.CharField(
        max_length=20,
        choices=[(each, each) for each in SYSTEMS],
        blank=True,
        help_text="Of limiting_magnitude; empty without one.",
    )
    seeing = models.FloatField(null=True, blank=True, help_text="FWHM, arcseconds.")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    replaced_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replaced"
    )
    recipe = models.JSONField(
        default=dict, blank=True, help_text="How it was made: frames, weights, parameters, figures."
    )
    thumbnail_path = models.CharField(max_length=500, blank=True)

    objects = ReferenceImageQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            *SkyPosition.Meta.constraints,
            models.CheckConstraint(
                condition=Q(number_of_frames__gte=1), name="reference_has_frames"
            ),
            models.CheckConstraint(
                condition=Q(coverage__isnull=True) | Q(coverage__range=(0, 1)),
                name="reference_coverage",
            ),
            models.CheckConstraint(
                condition=Q(photometric_system__in=["", *SYSTEMS]),
                name="reference_photometric_system",
            ),
            models.UniqueConstraint(
                fields=["grid_observation"],
                condition=Q(is_active=True, number_of_frames__gt=1),
                name="reference_one_stack_per_cell",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="reference_validity",
            ),
        ]
        indexes = [
            *SkyPosition.Meta.indexes,
            models.Index(fields=["survey", "filter_band", "is_active"]),
            models.Index(fields=["filter_band", "-id"], name="reference_of_band"),
            models.Index(fields=["instrument", "-id"], name="reference_of_camera"),
            models.Index(fields=["number_of_frames", "-id"], name="reference_of_so_many"),
            models.Index(fields=["seeing", "id"], name="reference_by_seeing"),
            models.Index(fields=["valid_from", "id"], name="reference_by_start"),
            models.Index(fields=["-id"], condition=Q(is_active=False), name="reference_over"),
        ]

    @property
    def is_stack(self) -> bool:
        """Whether it was made from several frames."""
        return self.number_of_frames > 1

    def first_frame(self) -> Observation:
        """Give the observation that a baseline of one frame is."""
        return min(self.observations.all(), key=lambda frame: frame.pk)

    def __str__(self) -> str:
        kind = f"stack of {self.number_of_frames}" if self.is_stack else "reference"
        return f"{self.filter_band} {kind} at {self.ra:.4f} {self.dec:+.4f}"


class ReferenceRun(Run):
    """One look at a sky cell: whether its frames make a better reference, and that reference."""

    grid_observation = models.ForeignKey(
        Observation,
        models.CASCADE,
        related_name="reference_runs",
        help_text="The reference frame on whose pixel grid the cell's frames lie.",
    )
    reference_image = models.ForeignKey(
        ReferenceImage,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="runs",
        help_text="What was made; empty when nothing better was.",
    )
    is_forced = models.BooleanField(
        default=False, help_text="Asked for by somebody: made even if it is no better."
    )
    outcome = models.TextField(blank=True, help_text="What came of it, in one sentence.")

    class Meta(Run.Meta):
        ordering = ["-id"]
        constraints = [
            *Run.Meta.constraints,
            models.UniqueConstraint(
                fields=["grid_observation"],
                condition=Q(status__in=UNFINISHED),
                name="reference_run_one_at_a_time",
            ),
        ]
        indexes = [
            *Run.Meta.indexes,
            models.Index(fields=["-id"], condition=Q(is_forced=True), name="reference_run_forced"),
        ]

    def __str__(self) -> str:
        return f"reference on the grid of {self.grid_observation}"


class DifferenceRun(Run):
    """One subtraction of a reference from an observation."""

    observation = models.ForeignKey(Observation, models.CASCADE, related_name="difference_runs")
    reference_observation = models.ForeignKey(
        Observation, models.PROTECT, null=True, blank=True, related_name="referenced_by"
    )
    reference_image = models.ForeignKey(
        ReferenceImage, models.PROTECT, null=True, blank=True, related_name="difference_runs"
    )
    choice = models.JSONField(
        default=dict,
        blank=True,
        help_text="Why this reference: its score with overlap and depth, and what was left out.",
    )
    is_control = models.BooleanField(
        default=False, help_text="A pair in which nothing should be found, kept to check that."
    )
    algorithm = models.CharField(
        max_length=50,
        choices=[(each.value, each.value) for each in Algorithm],
        default=Algorithm.ZOGY.value,
    )
    is_comparison = models.BooleanField(
        default=False,
        help_text="Made to be seen beside the run that counts; nothing is judged from it.",
    )
    difference_image_path = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    significance_map_path = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    noise_level = models.FloatField(
        null=True,
        blank=True,
        help_text="Scatter of S_corr in blank sky, before it was scaled to 1.",
    )
    detection_threshold = models.FloatField(null=True, blank=True, help_text="In sigma of S_corr.")
    candidates_found = models.PositiveIntegerField(default=0)
    pictures = models.JSONField(
        default=dict, blank=True, help_text="Where its pictures are stored, by name."
    )

    class Meta(Run.Meta):
        ordering = ["-id"]
        constraints = [
            *Run.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(reference_observation=F("observation")),
                name="difference_needs_another_epoch",
            ),
            # what the foreign key of candidates points at
            models.UniqueConstraint(fields=["id", "observation"], name="difference_of_observation"),
            models.CheckConstraint(
                condition=Q(algorithm__in=[each.value for each in Algorithm]),
                name="difference_algorithm",
            ),
            models.UniqueConstraint(
                fields=["observation", "reference_observation"],
                condition=~Q(status=RunStatus.FAILED) & Q(is_comparison=False),
                name="difference_once_per_pair",
            ),
            models.UniqueConstraint(
                fields=["observation", "reference_observation", "algorithm"],
                condition=~Q(status=RunStatus.FAILED) & Q(is_comparison=True),
                name="comparison_once_per_algorithm",
            ),
            models.UniqueConstraint(
                fields=["observation", "reference_image"],
                condition=~Q(status=RunStatus.FAILED)
                & Q(reference_observation=None, is_comparison=False),
                name="difference_once_per_stack",
            ),
            models.UniqueConstraint(
                fields=["observation", "reference_image", "algorithm"],
                condition=~Q(status=RunStatus.FAILED)
                & Q(reference_observation=None, is_comparison=True),
                name="comparison_once_per_stack",
            ),
        ]
        indexes = [
            *Run.Meta.indexes,
            models.Index(fields=["algorithm", "-id"], name="difference_of_algorithm"),
            models.Index(fields=["-id"], condition=Q(is_control=True), name="difference_control"),
            models.Index(
                fields=["-id"], condition=Q(is_comparison=True), name="difference_comparison"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.observation} minus {self.reference_observation or self.reference_image}"


class CandidateStatus(models.TextChoices):
    """What became of a candidate."""

    PENDING = "pending"
    PROCESSING = "processing"
    DETECTED = "detected"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"


_C = CandidateStatus


class Candidate(Record, SkyPosition, Brightness):
    """A residual above threshold."""

    TRANSITIONS: ClassVar[Transitions] = {
        _C.PENDING: frozenset({_C.PROCESSING, _C.DETECTED, _C.REJECTED, _C.DUPLICATE}),
        _C.PROCESSING: frozenset({_C.DETECTED, _C.REJECTED, _C.DUPLICATE}),
        _C.DETECTED: frozenset(),
        _C.REJECTED: frozenset(),
        _C.DUPLICATE: frozenset(),
    }

    # One foreign key of both columns stands behind the two (migration 0015): the run exists, and is
    # of this observation. Two would be looked up for every row of a COPY, at twice the cost.
    difference_run = models.ForeignKey(
        DifferenceRun, models.CASCADE, related_name="candidates", db_constraint=False
    )
    observation = models.ForeignKey(
        Observation, models.CASCADE, related_name="candidates", db_constraint=False
    )
    pixel_x = models.FloatField(help_text="Column, pixels from 0, with its fraction.")
    pixel_y = models.FloatField(help_text="Row, pixels from 0, with its fraction.")
    significance = models.FloatField(null=True, blank=True, help_text="Peak of |S_corr|, sigma.")
    snr = models.FloatField(null=True, blank=True, help_text="Flux over its error.")
    fwhm = models.FloatField(null=True, blank=True, help_text="Pixels.")
    ellipticity = models.FloatField(null=True, blank=True, help_text="1 - b/a.")
    position_angle = models.FloatField(
        null=True, blank=True, help_text="Of the major axis, degrees east of north."
    )
    psf_misfit = models.FloatField(
        null=True, blank=True, help_text="Reduced chi squared of the PSF in the difference."
    )
    is_saturated = models.BooleanField(default=False)
    is_blended = models.BooleanField(default=False)
    is_edge = models.BooleanField(default=False)
    is_dipole = models.BooleanField(default=False)
    is_negative = models.BooleanField(default=False)
    near_bright_star = models.BooleanField(default=False)
    mask_bits = models.PositiveIntegerField(default=0)
    network_score = models.FloatField(
        null=True, blank=True, help_text="Probability that it is real, from the last network run."
    )
    unscored_reason = models.CharField(
        max_length=300, blank=True, help_text="Why the network could not judge it, if so."
    )
    status = models.CharField(
        max_length=50, choices=CandidateStatus, default=CandidateStatus.PENDING
    )

    objects = SkyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            *SkyPosition.Meta.constraints,
            *Brightness.Meta.constraints,
            models.CheckConstraint(
                condition=Q(ellipticity__isnull=True) | Q(ellipticity__range=(0, 1)),
                name="candidate_ellipticity",
            ),
            models.CheckConstraint(
                condition=Q(position_angle__isnull=True) | Q(position_angle__range=(0, 360)),
                name="candidate_position_angle",
            ),
            models.CheckConstraint(
                condition=Q(network_score__isnull=True) | Q(network_score__range=(0, 1)),
                name="candidate_network_score",
            ),
            models.CheckConstraint(
                condition=Q(status__in=CandidateStatus.values), name="candidate_status"
            ),
        ]
        # Millions of rows are written here: the sky index holds cells alone, as nothing asks for
        # keys without rows, and keys rise, as those of new rows do; lists read them backwards.
        indexes = [
            models.Index(fields=["hpx"], name="candidate_sky"),
            models.Index(fields=["significance", "id"]),
            models.Index(fields=["magnitude", "id"]),
            models.Index(fields=["status", "id"]),
            *(
                models.Index(fields=["-id"], condition=Q(**{flag: True}), name=f"candidate_{flag}")
                for flag in ("is_negative", "is_dipole", "is_edge")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ra:.5f} {self.dec:+.5f}, {self.significance or 0:.1f} sigma"
