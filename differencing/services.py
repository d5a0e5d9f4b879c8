"""What the differencing domain can do: subtract, and keep what stands out."""

import logging
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from astrid.core import store
from astrid.core.errors import BadImage, InvalidTransition
from astrid.core.measure import measured
from astrid.core.models import UNFINISHED, RunStatus
from astrid.core.provenance import versions
from astrid.core.threads import allowed_threads
from differencing import product
from differencing.algorithms import subtract_with
from differencing.drawing import pictures, quicklook
from differencing.extraction.extract import Candidates, extract_counted
from differencing.extraction.forced import Forced, force_difference
from differencing.models import Candidate, CandidateStatus, DifferenceRun
from differencing.parameters import DifferenceParameters
from differencing.references.choice import Baseline, Pairing, baseline_of, key_of, pairings
from differencing.references.overlap import uncovered_share
from differencing.subtraction.noise import FloatArray
from differencing.subtraction.pack import PackCache, ReferencePack
from differencing.subtraction.subtract import Difference
from observations.models import Observation, ObservationStatus
from observations.services import move, reopen
from preprocessing.calibrated import CalibratedFrame, to_fits
from preprocessing.models import PreprocessRun
from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.magnitudes import ZeroPoint
from preprocessing.prepare import onto_grid
from preprocessing.services import load, load_file, native, product_of

logger = logging.getLogger(__name__)


def due() -> QuerySet[Observation]:
    """Observations waiting to be differenced.

    Where the rules of a survey pair groups of frames, a frame waits until all of its
    survey's frames are preprocessed: any of them may be its partner.
    """
    under_way = Observation.objects.filter(
        survey=OuterRef("survey"),
        status__in=(ObservationStatus.INGESTED, ObservationStatus.PREPROCESSING),
    ).exclude(survey__adapter_settings__rules__differences=[])
    return (
        Observation.objects.filter(status=ObservationStatus.PREPROCESSED, is_searched=True)
        .exclude(Exists(under_way))
        .select_related("survey")
        .order_by("id")
    )


@transaction.atomic
def begin(observation: Observation, parameters: DifferenceParameters) -> list[DifferenceRun]:
    """Claim ``observation`` and open a run for every reference that it has."""
    move(observation, ObservationStatus.DIFFERENCING)
    pairs = pairings(observation, parameters)
    runs = [_open(observation, pair, parameters) for pair in pairs]
    opened = [run for run in runs if run.status == RunStatus.PENDING]
    if not opened:
        settle(observation)
    return opened


def _open(
    observation: Observation, pair: Pairing, parameters: DifferenceParameters
) -> DifferenceRun:
    """Open a run for ``pair``, or return the one that stands."""
    standing = observation.difference_runs.filter(**pair.key, is_comparison=False)
    if run := standing.exclude(status=RunStatus.FAILED).first():
        return run
    return DifferenceRun.objects.create(
        observation=observation,
        reference_observation=pair.reference,
        reference_image=pair.image,
        choice=pair.choice,
        is_control=pair.is_control,
        algorithm=parameters.algorithm,
        parameters=asdict(parameters),
        detection_threshold=parameters.threshold,
    )


def difference(run: DifferenceRun) -> None:
    """Subtract the reference of ``run`` and store what stands out."""
    parameters = DifferenceParameters(**run.parameters)
    with measured() as cost:
        with cost.step("read"):
            pair = _pair(product_of(run.observation), baseline_of(run), parameters)
        with cost.step("subtract"):
            result = _subtract(run, pair, parameters)
        with cost.step("extract"):
            found, left_out = extract_counted(
                result, pair.science, pair.reference, threshold=parameters.threshold
            )
        with cost.step("pictures"):
            drawn = quicklook.pictures(result, pair.science, pair.reference, found, title=str(run))
        with cost.step("store"):
            paths = {
                "difference_image_path": store.put(product.to_fits(result)),
                "significance_map_path": store.put(product.significance_fits(result)),
            }
            stored = {name: store.put(content) for name, content in drawn.items()}
    figures = asdict(cost) | {"left_out": left_out}
    _finish(run, result, found, paths | {"pictures": stored}, figures, pair)
    if run.reference_image is not None:
        pictures.draw(run.reference_image, pair.reference)


def forced_photometry(run: DifferenceRun, ra: FloatArray, dec: FloatArray) -> Forced:
    """Measure the flux that changed at places of the sky (degrees ICRS) in a stored difference.

    Returns
    -------
    (n,) structured array of :data:`differencing.extraction.forced.DTYPE`
        In the order of the places; NaN with the mask bits that say why where there is no flux.

    Raises
    ------
    BadImage
        If ``run`` has not been completed.
    """
    made = stored_difference(run)
    x, y = made.wcs.all_world2pix(ra, dec, 0, quiet=True)
    return force_difference(made, x, y)


def stored_difference(run: DifferenceRun) -> Difference:
    """Read the difference that a run has stored.

    Raises
    ------
    BadImage
        If ``run`` has not been completed.
    """
    if run.status != RunStatus.COMPLETED:
        raise BadImage(f"{run} is {run.status}: only a completed difference holds fluxes")
    return product.from_fits(store.get(run.difference_image_path or ""))


@dataclass(frozen=True)
class _Pair:
    """The two frames of a difference, on one grid, and the files that hold them."""

    science: CalibratedFrame
    pack: ReferencePack
    paths: dict[str, str]

    @property
    def reference(self) -> CalibratedFrame:
        """The frame that was prepared."""
        return self.pack.frame


@cache
def references() -> PackCache:
    """Give what this process remembers of references: the next frame of a field needs the same."""
    return PackCache(limit=settings.REFERENCE_CACHE_MB * 2**20)


def _prepared(reference: Baseline, parameters: DifferenceParameters) -> ReferencePack:
    """Prepare a reference; its path in the store is a hash of its content."""
    try:
        return references().get(
            reference.path, parameters, lambda: load_file(reference.path, reference.name)
        )
    except ValueError as error:
        raise BadImage(f"{reference.name} cannot be a reference: {error}") from error


def _pair(science: PreprocessRun, reference: Baseline, parameters: DifferenceParameters) -> _Pair:
    """Read both products; a science frame on another grid is laid on that of the reference.

    It is taken whole, from before it was cut to the first grid. What was subtracted is stored:
    the network, and whoever looks later, see that and nothing else.
    """
    pack = _prepared(reference, parameters)
    paths = {"science": science.processed_fits_path or "", "reference": reference.path}
    if (science.grid_observation_id or science.observation_id) == reference.grid:
        return _Pair(load(science), pack, paths)
    try:
        moved, _ = onto_grid(
            native(science), pack.frame, PreprocessParameters(**science.parameters)
        )
    except ValueError as error:
        raise BadImage(
            f"{science.observation} cannot be laid on the grid of {reference.name}: {error}"
        ) from error
    return _Pair(moved, pack, paths | {"science": store.put(to_fits(moved))})


def _subtract(run: DifferenceRun, pair: _Pair, parameters: DifferenceParameters) -> Difference:
    try:
        return subtract_with(pair.science, pair.pack, parameters, threads=allowed_threads())
    except ValueError as error:
        raise BadImage(f"{run}: {error}") from error


def _finish(
    run: DifferenceRun,
    result: Difference,
    found: Candidates,
    outputs: dict[str, Any],
    figures: dict[str, Any],
    pair: _Pair,
) -> None:
    """Close ``run`` with its candidates and settle its observation, in one transaction."""
    with transaction.atomic():
        run.complete(
            **outputs,
            noise_level=result.figures["noise_scale"],
            candidates_found=len(found),
            figures=figures
            | {
                "quality": result.figures | {"uncovered_share": _uncovered(pair)},
                "zero_point": asdict(result.zero_point) if result.zero_point else {},
            },
            provenance={
                "inputs": pair.paths,
                "outputs": outputs,
                "versions": versions(),
            },
        )
        write_candidates(run, found, result.zero_point)
        settle(run.observation)


def _uncovered(pair: _Pair) -> float:
    share = uncovered_share(pair.science, pair.reference)
    if share > 0:
        logger.info("%s has no data in %.1f%% of the frame", pair.paths["reference"], 100 * share)
    return share


def write_candidates(run: DifferenceRun, found: Candidates, zero_point: ZeroPoint | None) -> None:
    """Write a row for each thing found."""
    Candidate.objects.copy_columns(product.columns(found) | _common(run, zero_point))


def rows_of(run: DifferenceRun, found: Candidates, zero_point: ZeroPoint | None) -> list[Candidate]:
    """Build the rows of what was found, unsaved: for those who judge and do not keep them."""
    common = _common(run, zero_point)
    return [Candidate(**common, **facts) for facts in product.rows(found)]


def _common(run: DifferenceRun, zero_point: ZeroPoint | None) -> dict[str, Any]:
    """Give what all rows of a run share; those of a comparison wait for no network."""
    return {
        "difference_run_id": run.pk,
        "observation_id": run.observation_id,
        "status": CandidateStatus.DUPLICATE if run.is_comparison else CandidateStatus.PENDING,
        "photometric_system": zero_point.system if zero_point else "",
    }


@transaction.atomic
def settle(observation: Observation) -> None:
    """Move on an observation whose last run has ended; the row lock orders late runs."""
    locked = Observation.objects.select_for_update().get(pk=observation.pk)
    runs = locked.difference_runs.filter(is_comparison=False)
    if locked.status != ObservationStatus.DIFFERENCING:
        return
    if runs.filter(status__in=UNFINISHED).exists():
        return
    if runs.exists() and not runs.filter(status=RunStatus.COMPLETED).exists():
        move(locked, ObservationStatus.FAILED, _last_reason(locked))
    else:
        move(locked, ObservationStatus.DIFFERENCED)


def _last_reason(observation: Observation) -> str:
    failed = observation.difference_runs.filter(status=RunStatus.FAILED, is_comparison=False)
    return failed.order_by("-id").values_list("error_message", flat=True).first() or ""


def give_up(run: DifferenceRun, reason: str) -> None:
    """Settle the observation of a run that cannot be done; ``reason`` stands on the run."""
    settle(run.observation)


def resume(run: DifferenceRun) -> None:
    """Make a failed run's observation ready for another try.

    Raises
    ------
    InvalidTransition
        If a later run has made this difference meanwhile.
    """
    same = DifferenceRun.objects.filter(
        observation=run.observation_id,
        is_comparison=run.is_comparison,
        **key_of(run.reference_observation, run.reference_image),
    )
    if run.is_comparison:
        same = same.filter(algorithm=run.algorithm)
    if same.exclude(status=RunStatus.FAILED).exists():
        raise InvalidTransition(f"{run} was made by a later run; nothing is left to try again")
    if run.observation.status == ObservationStatus.FAILED and not run.is_comparison:
        reopen(run.observation, ObservationStatus.DIFFERENCING)
