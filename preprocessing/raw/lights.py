"""Calibrate the raw lights of the database with the masters that fit them."""

from dataclasses import dataclass, field
from typing import Any

from observations.fits import Frame, ReadOptions
from observations.models import Observation
from observations.raw import read_raw
from preprocessing.calibrated import CalibratedFrame
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate
from preprocessing.raw import master_store
from preprocessing.raw.building import conditions_of
from preprocessing.raw.overscan import assemble, trimmed_wcs
from preprocessing.raw.reduction import Detector, reduce_frame

# What masters are used as.
MASTERS = ("bias", "dark", "flat", "bad_pixels")


@dataclass(frozen=True)
class Applied:
    """The masters that a frame was calibrated with, by their files, and what it went without."""

    files: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def is_calibrated(self) -> bool:
        """Whether more than the known bad pixels was applied."""
        return bool(self.files.keys() - {"bad_pixels"})

    def figures(self) -> dict[str, Any]:
        """Give what a run keeps of it."""
        return {"missing_calibration": list(self.missing)} if self.missing else {}


def calibrated_already(
    observation: Observation, frame: Frame, parameters: PreprocessParameters
) -> CalibratedFrame:
    """Mask a frame that comes without its detector, and take its sky away.

    Raises
    ------
    ValueError
        If it is no image of the sky.
    """
    return calibrate(
        frame.pixels,
        wcs=frame.wcs,
        gain=observation.gain,
        read_noise=observation.read_noise,
        saturation=observation.saturation,
        parameters=parameters,
    )


def calibrated_raw(
    observation: Observation,
    content: bytes,
    options: ReadOptions,
    parameters: PreprocessParameters,
    *,
    files: dict[str, str] | None = None,
) -> tuple[CalibratedFrame, Applied]:
    """Calibrate a raw light.

    ``files`` names the masters of an earlier run, to make its product again; without them those
    that fit best now are chosen.

    Raises
    ------
    ValueError
        If it is no image of the sky, or a master does not fit.
    """
    raw = read_raw(content, options=options, name=str(observation))
    exposed, wcs = assemble(raw), trimmed_wcs(raw)
    if wcs is None:
        raise ValueError("trimming moves its amplifiers against its WCS: solve the trimmed frame")
    applied = Applied(files or {})
    if files is None:
        camera = observation.instrument
        conditions = conditions_of(raw, exposed.pixels.shape, instrument=camera)
        choice = master_store.choose_masters(conditions, parameters)
        used = {name: str(each.key) for name, each in choice.chosen.items()}
        applied = Applied(used, choice.missing)
    reduced = reduce_frame(
        exposed,
        master_store.load_files(applied.files),
        Detector(
            observation.gain,
            observation.read_noise,
            observation.saturation,
            observation.exposure_time,
        ),
        cosmic_rays=parameters.find_cosmic_rays,
    )
    frame = calibrate(
        reduced.pixels,
        wcs=wcs,
        gain=reduced.gain,
        read_noise=reduced.read_noise,
        saturation=reduced.saturation,
        known=reduced.mask,
        parameters=parameters,
    )
    return frame, applied
