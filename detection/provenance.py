"""Where a detection comes from: exposure, calibration, subtraction, candidate, network."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import models
from django.urls import NoReverseMatch, reverse

from astrid.core.models import Run, RunStatus
from detection.models import Detection
from differencing.models import Candidate, DifferenceRun, ReferenceImage
from observations.models import Observation
from preprocessing.models import PreprocessRun


@dataclass(frozen=True)
class Step:
    """One link of the chain: its row, what it says, and with what it was made."""

    title: str
    row: models.Model
    facts: dict[str, Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    is_linked: bool = True

    @property
    def code_version(self) -> str:
        """Give the version of AstrID that made the row; empty where it is not noted."""
        return str(self.provenance.get("versions", {}).get("astrid", ""))

    @property
    def name(self) -> str:
        """Give what the row is called; nothing where it is not to be known."""
        return str(self.row) if self.is_linked else ""

    @property
    def url(self) -> str:
        """Give the admin page of the row; empty where there is none, or it is not to be known."""
        if not self.is_linked:
            return ""
        meta = self.row._meta
        try:
            return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[self.row.pk])
        except NoReverseMatch:
            return ""


def chain_of(detection: Detection) -> list[Step]:
    """List the steps from the exposure to the score, in the order in which they happened."""
    return list(_steps(detection))


def _steps(detection: Detection) -> Iterator[Step]:
    subtraction = detection.model_run.difference_run
    yield from _exposure("Science exposure", detection.observation)
    if subtraction is not None:
        if subtraction.reference_observation is not None:
            yield from _exposure("Reference exposure", subtraction.reference_observation)
        elif subtraction.reference_image is not None:
            yield _reference_stack(subtraction.reference_image)
        yield _subtraction(subtraction)
    if detection.candidate is not None:
        yield _candidate(detection.candidate)
    yield _inference(detection)


def _exposure(title: str, observation: Observation) -> Iterator[Step]:
    yield Step(
        title,
        observation,
        {
            "survey": observation.survey,
            "exposure": observation.observation_id,
            "taken": observation.observation_time.strftime("%Y-%m-%d %H:%M:%S UTC"),
            "band": observation.filter_band,
            "seconds": observation.exposure_time,
        },
        provenance={
            "file SHA-256": observation.file_sha256,
            "pixel SHA-256": observation.pixel_sha256,
        },
    )
    run = _last_completed(observation)
    if run is not None:
        yield _from_run(
            f"Preprocessing of the {title.lower()}",
            run,
            {
                "calibrated": run.calibration_applied,
                "aligned": run.wcs_aligned,
                "residual (arcsec)": run.registration_rms_arcsec,
                "stars": run.registration_stars,
                "seeing (px)": run.seeing_px,
                "limiting magnitude": run.limiting_magnitude,
                "zero point": run.zero_point,
                "zero point from": run.zero_point_source,
            },
        )


def _last_completed(observation: Observation) -> PreprocessRun | None:
    return observation.preprocess_runs.filter(status=RunStatus.COMPLETED).order_by("-id").first()


def _from_run(title: str, run: Run, facts: dict[str, Any]) -> Step:
    took = {"seconds": run.processing_time_seconds, "status": run.status}
    return Step(title, run, {**facts, **took}, run.parameters, run.provenance)


def _reference_stack(image: ReferenceImage) -> Step:
    facts = {
        "frames": image.number_of_frames,
        "band": image.filter_band,
        "seeing (arcsec)": image.seeing,
        "limit (ADU)": image.depth,
        "coverage": image.coverage,
        "file": image.file_path,
    }
    return Step("Reference stack", image, facts, image.recipe.get("parameters", {}))


def _subtraction(run: DifferenceRun) -> Step:
    facts = {
        "algorithm": run.algorithm,
        "noise of S_corr": run.noise_level,
        "threshold (sigma)": run.detection_threshold,
        "candidates": run.candidates_found,
    }
    return _from_run("Subtraction", run, facts)


def _candidate(found: Candidate) -> Step:
    flags = [name for name in _FLAGS if getattr(found, name)]
    facts = {
        "significance": found.significance,
        "flux (ADU)": found.flux,
        "flux error (ADU)": found.flux_error,
        "magnitude": found.in_magnitudes() or "no zero point",
        "S/N": found.snr,
        "FWHM (px)": found.fwhm,
        "ellipticity": found.ellipticity,
        "flags": ", ".join(flags) or "none",
        "mask bits": found.mask_bits,
    }
    return Step("Candidate", found, facts)


_FLAGS = (
    "is_saturated",
    "is_blended",
    "is_edge",
    "is_dipole",
    "is_negative",
    "near_bright_star",
)


def _inference(detection: Detection) -> Step:
    run = detection.model_run
    facts = {
        "model": run.model,
        "library": run.library,
        "device": run.device,
        "score": detection.confidence_score,
        "type": detection.detection_type,
    }
    step = _from_run("Network score", run, facts)
    hashes = {**step.provenance, "weights SHA-256": run.model.sha256}
    return replace(step, provenance=hashes)
