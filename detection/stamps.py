"""Labelled stamps from elsewhere: read, scored one by one by the U-Net, and measured."""

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid.core.errors import BadImage
from detection import metrics, normalise
from detection.card import Card
from detection.inference import SMALLEST_SIDE, peak_probability, probability_map
from detection.surveyscores import beside_survey
from detection.weights import Weights

FloatArray = NDArray[np.floating]

# Names under which the arrays are looked for, in this order.
NAMES = {
    "stamps": ("triplets", "stamps", "x"),
    "labels": ("labels", "label", "y"),
    "objects": ("objects", "object", "oid"),
    "fwhm": ("fwhm",),
    "sign": ("sign", "isdiffpos"),
    "history": ("history", "ndethist"),
    "classes": ("classes", "cls"),
}
# What ZTF packets call the scores of its random forest and its network (braai).
SURVEY_SCORE = re.compile(r"d?rb(_\w+)?")
# How packets say that the science frame is the brighter one, and the fainter one.
BRIGHTER, FAINTER = {"t", "1", "1.0", "true"}, {"f", "0", "0.0", "-1", "-1.0", "false"}
PLANES = (3, 4)  # science, reference, difference and, where known, S_corr
# Seeing of stamps that come without one, px.
USUAL_FWHM = 2.5
FWHM_TO_SIGMA = 1 / 2.3548
# At least this share of a stamp must hold data, and its middle too.
LEAST_SHARE = 0.1


@dataclass(frozen=True)
class Stamps:
    """Labelled stamps; the first axis of every array counts them.

    Attributes
    ----------
    pixels : (n, 3 or 4, size, size) float32 array
        Science, reference, difference and S_corr if there. NaN where there are no data.
    is_real : (n,) bool array
    objects : (n,) array or None
        Which stamps show one object.
    fwhm : (n,) float array
        Seeing, px.
    sign : (n,) float array
        1 where the science frame is the brighter one, -1 where it is the fainter one, else 0.
    history : (n,) float array
        Detections at this place so far; NaN where it is not known.
    classes : (n,) array of str
        What a catalogue calls it; empty where none does.
    survey_scores : dict of str to (n,) float array
        What the survey's own networks said of each, by their names; NaN where they did not.
    """

    pixels: NDArray[np.float32]
    is_real: NDArray[np.bool_]
    objects: NDArray | None
    fwhm: FloatArray
    sign: FloatArray
    history: FloatArray
    classes: NDArray[np.str_]
    survey_scores: dict[str, FloatArray] = field(default_factory=dict)


def read_stamps(path: Path, *, is_labelled: bool = True) -> Stamps:
    """Read labelled stamps from an npz file, or sky that nobody has labelled.

    The arrays may be called ``triplets`` (or ``stamps``, ``x``), ``labels`` (``y``: 1 real,
    0 bogus) and, all optional, ``objects`` (``oid``), ``fwhm`` (px), ``sign`` (``isdiffpos``),
    ``history`` (``ndethist``) and ``classes`` (``cls``); stamps have their planes on the last axis
    or on the second. Scores of the survey are found by their names in its packets: ``rb``, ``drb``
    and those with a version behind it, such as ``drb_d6_m7``.
    Of sky, labels are not read and ``is_real`` is False throughout.

    Raises
    ------
    BadImage
        If the file is no npz, holds pickled objects, lacks an array, or an array has a shape or
        value that cannot be used.
    """
    arrays = read_arrays(path)
    needed = ("stamps", "labels") if is_labelled else ("stamps",)
    if any(arrays[name] is None for name in needed):
        wanted = " and ".join(" or ".join(NAMES[name]) for name in needed)
        raise BadImage(f"{path} must hold the arrays {wanted}")
    pixels = planes_first(np.asarray(arrays["stamps"]), path)
    count = len(pixels)
    is_real = np.zeros(count, bool)
    if is_labelled:
        is_real = check_labels(np.asarray(arrays["labels"]), count, path)
    fwhm = np.full(count, USUAL_FWHM) if arrays["fwhm"] is None else arrays["fwhm"]
    for name in ("objects", "fwhm", "sign", "history", "classes"):
        if arrays[name] is not None and arrays[name].shape != (count,):
            raise BadImage(f"{path}: {name} has shape {arrays[name].shape}, not ({count},)")
    if not (np.isfinite(fwhm).all() and (fwhm > 0).all()):
        raise BadImage(f"{path}: fwhm must be positive pixels for every stamp")
    return Stamps(
        pixels=pixels,
        is_real=is_real,
        objects=arrays["objects"],
        fwhm=np.asarray(fwhm, float),
        sign=signs_of(arrays["sign"], count),
        history=numbers_of(arrays["history"], count),
        classes=np.asarray(
            np.full(count, "") if arrays["classes"] is None else arrays["classes"], str
        ),
        survey_scores={n: score_of(n, v, count, path) for n, v in arrays["scores"].items()},
    )


def score_of(name: str, values: NDArray, count: int, path: Path) -> FloatArray:
    """Give scores of a survey as numbers; NaN where there is none or it is no probability."""
    if values.shape != (count,) or values.dtype.kind not in "fiu":
        raise BadImage(
            f"{path}: {name} is {values.dtype} of shape {values.shape}, not {count} numbers"
        )
    numbers = np.asarray(values, float)
    with np.errstate(invalid="ignore"):
        return np.where((numbers >= 0) & (numbers <= 1), numbers, np.nan)


def signs_of(words: NDArray | None, count: int) -> FloatArray:
    """Give 1 or -1 for what packets call positive or negative, 0 for what they do not say."""
    if words is None:
        return np.zeros(count)
    said = np.char.lower(np.asarray(words, str))
    return np.select([np.isin(said, list(BRIGHTER)), np.isin(said, list(FAINTER))], [1.0, -1.0])


def numbers_of(values: NDArray | None, count: int) -> FloatArray:
    """Give counts as numbers; NaN where there is none or it is no count."""
    if values is None:
        return np.full(count, np.nan)
    numbers = np.asarray(values, float)
    return np.where(numbers >= 0, numbers, np.nan)


def read_arrays(path: Path) -> dict[str, Any]:
    """Give the arrays that are there, under our names, None for the others."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            present = {
                name: next((key for key in keys if key in archive), None)
                for name, keys in NAMES.items()
            }
            found = {name: archive[key] if key else None for name, key in present.items()}
            scores = {key: archive[key] for key in archive if SURVEY_SCORE.fullmatch(key)}
            return found | {"scores": scores}
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadImage(f"there is no file {path}") from error
    except (BadZipFile, EOFError, OSError, TypeError, AttributeError) as error:
        raise BadImage(f"{path} is not an npz file: {error}") from error
    except ValueError as error:
        raise BadImage(
            f"{path} cannot be read without unpickling objects, which is never done ({error}): "
            "save plain numeric and text arrays"
        ) from error


def planes_first(stamps: NDArray, path: Path) -> NDArray[np.float32]:
    """Give stamps as (n, planes, size, size), refusing every other shape and empty stamps."""
    if stamps.ndim != 4 or not np.issubdtype(stamps.dtype, np.number):
        raise BadImage(
            f"{path}: stamps are numbers of shape (n, size, size, 3 or 4), not {stamps.dtype} of "
            f"shape {stamps.shape}"
        )
    if stamps.shape[3] in PLANES:
        stamps = np.moveaxis(stamps, 3, 1)
    n, planes, ny, nx = stamps.shape
    if planes not in PLANES or ny != nx or nx < SMALLEST_SIDE or n == 0:
        raise BadImage(
            f"{path}: {n} stamps of {planes} planes of {ny} x {nx} px: at least one stamp of 3 or "
            f"4 square planes of at least {SMALLEST_SIDE} px is needed"
        )
    share = np.isfinite(stamps).all(axis=1).mean(axis=(1, 2))
    if (share < LEAST_SHARE).any():
        bad = np.flatnonzero(share < LEAST_SHARE)
        raise BadImage(
            f"{path}: {len(bad)} stamps have no usable pixels (NaN), the first is number "
            f"{bad[0]}: leave them out"
        )
    return np.asarray(stamps, np.float32)


def check_labels(labels: NDArray, count: int, path: Path) -> NDArray[np.bool_]:
    """Give labels as truth values; only 0 and 1 are labels, and both must occur."""
    if labels.shape != (count,):
        raise BadImage(f"{path}: labels have shape {labels.shape}, not ({count},)")
    kinds = set(np.unique(labels).tolist())
    if kinds != {0, 1}:
        raise BadImage(
            f"{path}: labels are {sorted(kinds)}; both 0 (bogus) and 1 (real) must occur"
        )
    return np.asarray(labels == 1)


def score_stamps(weights: Weights, stamps: Stamps) -> NDArray[np.float64]:
    """Give the calibrated confidence for the middle of each stamp.

    A stamp stands in for its frame: level and noise are those of the stamp, which is poorer than
    a frame's where a bright star fills it. Without S_corr the matched-filter S/N of the
    difference takes its place.
    """
    peaks = [
        stamp_peak(weights, planes, fwhm)
        for planes, fwhm in zip(stamps.pixels, stamps.fwhm, strict=True)
    ]
    return weights.card.calibration(np.array(peaks))


def stamp_peak(weights: Weights, planes: NDArray[np.float32], fwhm: float) -> float:
    """Give the network's largest probability near the middle of one stamp."""
    usable = np.asarray(np.isfinite(planes).all(axis=0))
    science, reference, difference, *rest = planes
    significance = rest[0] if rest else matched_significance(difference, usable, fwhm)
    stack = normalise.channels(science, reference, difference, significance, ~usable)
    middle = np.array([planes.shape[1] // 2])
    return float(peak_probability(probability_map(weights, stack), middle, middle)[0])


def matched_significance(
    difference: NDArray[np.float32], usable: NDArray[np.bool_], fwhm: float
) -> NDArray[np.float32]:
    """Give the S/N of a Gaussian source centred on each pixel, its noise measured in the stamp.

    The filter's noise is scaled to the scatter of the filtered difference itself, since the
    pixels of a difference are correlated.
    """
    level, _ = normalise.sky_of(difference, usable)
    filled = np.where(usable, difference - level, 0)
    filtered = ndimage.gaussian_filter(filled, fwhm * FWHM_TO_SIGMA, mode="constant")
    middle, sigma = normalise.sky_of(filtered, usable)
    return np.asarray((filtered - middle) / sigma, np.float32)


def figures_of(confidence: FloatArray, stamps: Stamps, card: Card) -> dict[str, Any]:
    """Measure confidences against labels.

    Returns
    -------
    dict
        ``auc``, ``fpr_at_tpr95`` and ``ece``, each with its 95 % bootstrap interval beside it as
        ``..._interval``, drawn by object where objects are known; and under ``survey_scores``
        those of the survey's own beside it: :func:`detection.surveyscores.beside_survey`.
    """
    report: dict[str, Any] = {}
    figures = {"auc": metrics.auc, "fpr_at_tpr95": metrics.fpr_at_tpr, "ece": metrics.ece}
    for name, figure in figures.items():
        measured = asdict(metrics.with_interval(figure, confidence, stamps.is_real, stamps.objects))
        report[name] = measured["value"]
        report[f"{name}_interval"] = [measured["low"], measured["high"]]
    return report | {
        "stamps": int(stamps.is_real.size),
        "real": int(stamps.is_real.sum()),
        "bogus": int((~stamps.is_real).sum()),
        "model": f"{card.name} {card.version}",
        "sha256": card.sha256,
        "has_significance": stamps.pixels.shape[1] == PLANES[1],
        "survey_scores": beside_survey(
            confidence, stamps.is_real, stamps.objects, stamps.survey_scores
        ),
    }
