"""Labelled snapshots: what a training learned from, kept for good, split by sky."""

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from astrid.core import store
from detection import cutouts
from detection.lessons import Lesson, counted
from detection.models import Detection, TrainingDataset

SIDE = 63


@transaction.atomic
def take(
    lessons: Sequence[Lesson], test_share: float, rule: Mapping[str, Any], *, name: str
) -> TrainingDataset:
    """Store the pixels and labels of lessons as two files, and the row that tells of them.

    The files hold what ``evaluate_model`` and ``compare_models`` read (``x``, ``y``, ``oid``,
    ``fwhm``), and ``kind``, ``weight``, ``sign`` and ``history`` beside it. ``x`` has the planes
    science, reference, difference and S_corr.

    Raises
    ------
    MissingFile, CorruptFile
        If the cutouts of a detection are not what was stored.
    """
    parts = {
        "training": [one for one in lessons if not one.is_test(test_share)],
        "test": [one for one in lessons if one.is_test(test_share)],
    }
    files = {part: store.put(archive(arrays_of(rows))) for part, rows in parts.items()}
    digest = hashlib.sha256("".join(sorted(files.values())).encode()).hexdigest()
    return TrainingDataset.objects.create(
        name=name,
        description="Verdicts of people on detections: the latest of each.",
        rule={**rule, "files": files, "rows": counted(lessons)},
        sha256=digest,
        total_samples=len(lessons),
        split={part: sorted({str(one.cell) for one in rows}) for part, rows in parts.items()},
    )


def arrays_of(lessons: Sequence[Lesson]) -> dict[str, NDArray]:
    """Give lessons as arrays whose first axis counts them."""
    seen = _history([one.detection for one in lessons])
    pixels = [cutouts.from_npz(store.get(one.detection.cutouts_path)) for one in lessons]
    empty = np.empty((0, len(cutouts.PLANES), SIDE, SIDE), np.float16)
    return {
        "x": np.stack(pixels) if pixels else empty,
        "y": np.array([one.is_real for one in lessons], np.int8),
        "oid": np.array([str(one.cell) for one in lessons], np.str_),
        "fwhm": np.array([_fwhm(one.detection) for one in lessons], np.float32),
        "kind": np.array([one.kind for one in lessons], np.str_),
        "weight": np.array([one.weight for one in lessons], np.float32),
        "sign": np.array([_sign(one.detection) for one in lessons], np.int8),
        "history": np.array([seen[one.detection.pk] for one in lessons], np.float32),
    }


def _fwhm(detection: Detection) -> float:
    """Give the seeing in px: that of the exposure, else that of the candidate itself."""
    frame, found = detection.observation, detection.candidate
    if frame.seeing and frame.pixel_scale:
        return float(frame.seeing / frame.pixel_scale)
    return float(found.fwhm) if found is not None and found.fwhm else float("nan")


def _sign(detection: Detection) -> int:
    found = detection.candidate
    return 0 if found is None else -1 if found.is_negative else 1


def _history(detections: Sequence[Detection]) -> dict[Any, float]:
    """Count the detections of each object up to the epoch of each, itself included."""
    objects = {one.sky_object_id for one in detections if one.sky_object_id}
    rows = Detection.objects.filter(sky_object__in=objects)
    times: dict[Any, list[Any]] = {}
    for key, taken in rows.values_list("sky_object", "observation__observation_time"):
        times.setdefault(key, []).append(taken)
    return {
        one.pk: float(
            sum(taken <= one.observation.observation_time for taken in times[one.sky_object_id])
        )
        if one.sky_object_id
        else 1.0
        for one in detections
    }


def archive(arrays: Mapping[str, NDArray]) -> bytes:
    """Give the bytes of a compressed npz file; equal arrays give equal bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, values in arrays.items():
            plain = io.BytesIO()
            np.lib.format.write_array(plain, values, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy")  # without the time of day
            packed.writestr(info, plain.getvalue(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()
