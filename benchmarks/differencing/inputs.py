"""What every method is given of a pair, written into the folder of its job."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sep
from scipy import fft

from benchmarks.differencing.field import BoolImage, Field, FloatArray, Frame
from benchmarks.peers.job import REFERENCE, SCIENCE, Job

SKY_MESH = 128  # px
PSF_WIDTH = 33  # px
BOX_HALF = 15  # px, around the stars that a kernel is fitted to
STAR_SIGMA = 20.0
STAR_SHARE = 0.6  # of saturation: brighter stars are not used


def write_job(field: Field, folder: Path) -> Job:
    """Write frames, masks, sky-free frames, noise maps and facts."""
    job = Job(folder)
    folder.mkdir(parents=True)
    noise = {}
    for name, frame in ((SCIENCE, field.science), (REFERENCE, field.reference)):
        sky_free, noise[name] = _prepared(frame)
        job.save(name, frame.pixels)
        job.save(f"{name}_mask", frame.is_masked)
        job.save(f"{name}_sky_free", sky_free)
        job.save(f"{name}_noise", noise[name])
        job.save(f"{name}_psf", centre_psf(frame, field.size))
    job.save("star_boxes", _star_boxes(job.array(f"{SCIENCE}_sky_free"), field))
    spread = float((_matching_kernel(field) ** 2).sum())
    job.save("matched_variance", noise[SCIENCE] ** 2 + np.float32(spread) * noise[REFERENCE] ** 2)
    job.state(_facts(field))
    return job


def centre_psf(frame: Frame, size: int) -> FloatArray:
    """Give the true PSF in the middle of a frame, of unit sum."""
    psf = frame.psf(size / 2, size / 2, PSF_WIDTH)
    return np.asarray(psf / psf.sum())


def _prepared(frame: Frame) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Take the sky away and say how noisy each pixel is: sky by its scatter, sources by gain."""
    pixels = np.ascontiguousarray(frame.pixels, np.float32)
    sky = sep.Background(pixels, mask=frame.is_masked, bw=SKY_MESH, bh=SKY_MESH)
    sky_free = pixels - sky.back(dtype=np.float32)
    variance = sky.rms(dtype=np.float32) ** 2 + np.maximum(sky_free, 0) / np.float32(frame.gain)
    return sky_free, np.sqrt(variance)


def _star_boxes(sky_free: npt.NDArray[np.float32], field: Field) -> BoolImage:
    """Mark boxes around bright sources that no masked pixel spoils."""
    lost = field.science.is_masked | field.reference.is_masked
    limit = STAR_SIGMA * field.science.sky_sigma
    found = sep.extract(sky_free, limit, mask=lost, minarea=5)
    boxes = np.zeros(lost.shape, bool)
    for star in found[found["peak"] < STAR_SHARE * field.saturation]:
        row, column = round(star["y"]), round(star["x"])
        box = np.s_[
            max(0, row - BOX_HALF) : row + BOX_HALF + 1,
            max(0, column - BOX_HALF) : column + BOX_HALF + 1,
        ]
        if not lost[box].any():
            boxes[box] = True
    return boxes


def _matching_kernel(field: Field) -> FloatArray:
    """Give the kernel that takes the reference to the science frame, by the true PSFs."""
    science, reference = (
        fft.rfft2(centre_psf(frame, field.size)) for frame in (field.science, field.reference)
    )
    power = np.abs(reference) ** 2
    damped = science * np.conj(reference) / np.maximum(power, 1e-3 * power.max())
    return np.asarray(field.flux_ratio * fft.irfft2(damped, (PSF_WIDTH, PSF_WIDTH)))


def _facts(field: Field) -> dict[str, Any]:
    frames = {SCIENCE: field.science, REFERENCE: field.reference}
    return {
        "size": field.size,
        "flux_ratio": float(field.flux_ratio),
        "saturation": float(field.saturation),
        **{name: _frame_facts(frame, field.size) for name, frame in frames.items()},
    }


def _frame_facts(frame: Frame, size: int) -> dict[str, float]:
    psf = centre_psf(frame, size)
    width = 2 * np.sqrt(float((psf >= psf.max() / 2).sum()) / np.pi)
    return {
        "gain": float(frame.gain),
        "read_noise_e": float(frame.read_noise_e),
        "sky_sigma": frame.sky_sigma,
        "fwhm": width,
    }
