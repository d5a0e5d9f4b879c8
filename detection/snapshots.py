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
from detection import cutouts, past
from detection.lessons import Lesson, counted
from detection.models import Detection, TrainingDataset
from detection.stampnet.stamps import ARTIFACT, Stamps, fitted
from detection.stamps import USUAL_FWHM

SIDE = 63


@transaction.atomic
def take(
    parts: Mapping[str, Sequence[Lesson]], rule: Mapping[str, Any], *, name: str
) -> TrainingDataset:
    """Store the pixels and labels of lessons, one file a part, and the row that tells of them.

    The files hold what ``evaluate_model`` and ``compare_models`` read (``x``, ``y``, ``oid``,
    ``fwhm``), and ``kind``, ``weight``, ``sign`` and ``history`` beside it. ``x`` has the planes
    science, reference, difference and S_corr, the last two turned round where something faded,
    as survey packets have them.

    Raises
    ------
    MissingFile, CorruptFile
        If the cutouts of a detection are not what was stored.
    """
    files = {part: store.put(archive(arrays_of(rows))) for part, rows in parts.items()}
    digest = hashlib.sha256("".join(sorted(files.values())).encode()).hexdigest()
    rows = [one for part in parts.values() for one in part]
    return TrainingDataset.objects.create(
        name=name,
        description="Verdicts of people on detections: the latest of each.",
        rule={**rule, "files": files, "rows": counted(rows)},
        sha256=digest,
        total_samples=len(rows),
        split={part: sorted({str(one.cell) for one in rows}) for part, rows in parts.items()},
    )


def stamps_of(lessons: Sequence[Lesson]) -> Stamps:
    """Give lessons as the stamp network takes them; see :func:`arrays_of`."""
    arrays = arrays_of(lessons)
    return Stamps(
        planes=fitted(arrays["x"][:, :3].astype(np.float32)),
        fwhm=arrays["fwhm"].astype(float),
        sign=arrays["sign"].astype(float),
        history=arrays["history"].astype(float),
        kind=np.where(arrays["y"] == 1, arrays["kind"], ARTIFACT).astype("U10"),
        # cells, as scenes and objects of other sources are numbered too
        group=np.char.add("cell ", arrays["oid"]),
        weight=arrays["weight"].astype(float),
    )


def arrays_of(lessons: Sequence[Lesson]) -> dict[str, NDArray]:
    """Give lessons as arrays whose first axis counts them."""
    pixels = [_pixels(one.detection) for one in lessons]
    empty = np.empty((0, len(cutouts.PLANES), SIDE, SIDE), np.float16)
    return {
        "x": np.stack(pixels) if pixels else empty,
        "y": np.array([one.is_real for one in lessons], np.int8),
        "oid": np.array([str(one.cell) for one in lessons], np.str_),
        "fwhm": np.array([_fwhm(one.detection) for one in lessons], np.float32),
        "kind": np.array([one.kind for one in lessons], np.str_),
        "weight": np.array([one.weight for one in lessons], np.float32),
        "sign": np.array([_sign(one.detection) for one in lessons], np.int8),
        "history": np.array([past.noted(one.detection) for one in lessons], np.float32),
    }


def _pixels(detection: Detection) -> NDArray[np.float16]:
    """Read the cutouts; what faded is turned round, as wherever the network meets it.

    Where the significance says nothing, the pixel was masked, and the network saw none.
    """
    planes = cutouts.from_npz(store.get(detection.cutouts_path)).copy()
    planes[:, ~np.isfinite(planes[3])] = np.nan
    if _sign(detection) < 0:
        planes[2:] *= -1
    return planes


def _fwhm(detection: Detection) -> float:
    """Give the seeing in px: what the network was told, else that of the exposure."""
    difference, frame = detection.model_run.difference_run, detection.observation
    measured = (difference.figures if difference else {}).get("quality", {}).get("fwhm_science")
    if measured:
        return float(measured)
    return frame.seeing / frame.pixel_scale if frame.seeing and frame.pixel_scale else USUAL_FWHM


def _sign(detection: Detection) -> int:
    found = detection.candidate
    return 0 if found is None else -1 if found.is_negative else 1


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
