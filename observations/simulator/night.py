"""A survey night on disk: frames, the truth about them, and the rule file that reads them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from observations.simulator.detector import Detector, draw_detector
from observations.simulator.exposure import Conditions, Exposure, add_points, expose, render
from observations.simulator.frames import Label, observed_at, write_frame
from observations.simulator.pair import reference_conditions, science_conditions, vary
from observations.simulator.parameters import SceneParameters
from observations.simulator.scene import Scene, draw_scene
from observations.simulator.truth import (
    Changes,
    Source,
    Transients,
    changes_of,
    draw_transients,
    fluxes,
    sources_of,
)

FloatArray = npt.NDArray[np.float64]

TRUTH_FILE = "truth.ecsv"
RULES_FILE = "astrid.toml"
SCIENCE_SPACING_DAYS = 3.0
# Fields lie side by side in right ascension, this far apart.
FIELD_SPACING_DEG = 1.5
# Rise or decline of a transient between two epochs, in magnitudes, 1 sigma.
DECLINE_MAG = 0.3


@dataclass(frozen=True)
class Night:
    """The files of one simulated night.

    Attributes
    ----------
    references, science : list of Path
        In the order of fields, then epochs.
    truth : dict
        The `Source` list of every science frame, by file name.
    """

    directory: Path
    references: list[Path]
    science: list[Path]
    truth: dict[str, list[Source]]

    @property
    def truth_path(self) -> Path:
        """The truth as an ECSV table, one row per source and science frame."""
        return self.directory / TRUTH_FILE


def simulate_night(
    directory: Path,
    *,
    seed: int,
    fields: int = 2,
    science_epochs: int = 2,
    size: int | None = None,
    parameters: SceneParameters | None = None,
) -> Night:
    """Write a survey night into ``directory``.

    Parameters
    ----------
    directory : Path
        Made when missing; files of the same names are replaced.
    seed : int
        The same seed gives the same bytes.
    fields, science_epochs : int
        Each field has one deep reference and this many science frames.
    size : int, optional
        Width of a frame, px; 1024, or what ``parameters`` say.

    Returns
    -------
    Night
    """
    if fields < 1 or science_epochs < 1:
        raise ValueError(f"a night needs a field and a science epoch: {fields}, {science_epochs}")
    parameters = parameters or SceneParameters()
    parameters = parameters if size is None else replace(parameters, size=size)
    directory.mkdir(parents=True, exist_ok=True)
    night = Night(directory, [], [], {})
    camera, *streams = np.random.SeedSequence(seed).spawn(fields + 1)
    detector = draw_detector(np.random.default_rng(camera), parameters)
    for number, stream in enumerate(streams):
        shifted = replace(parameters, ra=(parameters.ra + number * FIELD_SPACING_DEG) % 360)
        Field(number, shifted, detector, np.random.default_rng(stream)).observe(
            night, science_epochs
        )
    truth_table(night).write(night.truth_path, format="ascii.ecsv", overwrite=True)
    (directory / RULES_FILE).write_text(RULES, encoding="utf-8")
    return night


@dataclass(frozen=True)
class Field:
    """One pointing of the night, and the stream of chance that makes it."""

    number: int
    parameters: SceneParameters
    detector: Detector
    rng: np.random.Generator

    @property
    def name(self) -> str:
        """What OBJECT says."""
        return f"field{self.number + 1:02d}"

    def observe(self, night: Night, science_epochs: int) -> None:
        """Take the reference, then the science epochs, and note them in ``night``."""
        scene = draw_scene(self.rng, self.parameters, dithered=True)
        transients = draw_transients(self.rng, scene, dithered=True)
        changes = changes_of(scene, transients)
        deep = reference_conditions(self.rng, self.parameters, dithered=True)
        deep_light = render(scene, deep, scene.stars.flux)
        reference = expose(self.rng, deep_light, deep, self.detector)
        night.references.append(self.write(night.directory, reference, epoch=0))
        peak: FloatArray | None = None
        for epoch in range(1, science_epochs + 1):
            conditions = science_conditions(self.rng, self.parameters, dithered=True)
            varied = vary(self.rng, scene.stars, self.parameters)
            light = render(scene, conditions, varied)
            if peak is None:
                peak = fluxes(transients, (conditions, light), (deep, deep_light))
            new = self.new_flux(peak, epoch)
            science = self.expose_science(light, conditions, transients, new)
            path = self.write(night.directory, science, epoch=epoch)
            night.science.append(path)
            night.truth[path.name] = self.state(scene, changes, (new, varied), science, reference)

    def new_flux(self, peak: FloatArray, epoch: int) -> FloatArray:
        """Transient fluxes (e/s) of one epoch; the first has the significance that was drawn."""
        if epoch == 1:
            return peak
        return np.asarray(peak * 10 ** (0.4 * self.rng.normal(0, DECLINE_MAG, len(peak))))

    def expose_science(
        self, light: FloatArray, conditions: Conditions, transients: Transients, flux: FloatArray
    ) -> Exposure:
        """Add the transients to ``light``, in place, and take the frame."""
        add_points(light, conditions, transients.x, transients.y, flux)
        return expose(self.rng, light, conditions, self.detector)

    def state(
        self,
        scene: Scene,
        changes: Changes,
        fluxes_now: tuple[FloatArray, FloatArray],
        science: Exposure,
        reference: Exposure,
    ) -> list[Source]:
        """List the true sources of one science frame, named after the field."""
        new, varied = fluxes_now
        variable = (varied - scene.stars.flux)[scene.stars.is_variable]
        flux = np.concatenate([new, variable])
        named = replace(changes, names=[f"{self.name}-{name}" for name in changes.names])
        return sources_of(named, flux, science, reference)

    def write(self, directory: Path, exposure: Exposure, *, epoch: int) -> Path:
        """Write one frame; epoch 0 is the reference."""
        code = "ref" if epoch == 0 else f"sci{epoch}"
        label = Label(
            self.name,
            code,
            observed_at(self.number, epoch, SCIENCE_SPACING_DAYS),
            airmass=round(float(self.rng.uniform(1.0, 1.5)), 3),
        )
        path = directory / f"{self.name}_{code}.fits"
        write_frame(path, exposure, label)
        return path


def truth_table(night: Night) -> Table:
    """Give the truth of a night: one row per source and science frame."""
    rows = [
        (source.name, name, *(getattr(source, column) for column in COLUMNS))
        for name, sources in night.truth.items()
        for source in sources
    ]
    table = Table(
        rows=rows, names=["name", "file", *COLUMNS], dtype=["U24", "U32", *COLUMNS.values()]
    )
    for column, unit in UNITS.items():
        table[column].unit = unit
    table.meta["comments"] = [
        "flux: science minus reference, ADU of the science frame",
        "snr: significance in an ideal ZOGY subtraction, source and host noise included",
        "x, y: 0-based pixel in the science frame; ra, dec: true, ICRS",
    ]
    return table


COLUMNS = {
    "kind": "U10",
    "ra": "f8",
    "dec": "f8",
    "x": "f8",
    "y": "f8",
    "flux": "f8",
    "snr": "f8",
    "host_separation_arcsec": "f8",
    "is_masked": "bool",
}
UNITS = {"ra": "deg", "dec": "deg", "x": "pix", "y": "pix", "flux": "adu"}

RULES = """\
# How to read this simulated night; the format is described in docs/ingestion.md.
survey = "Simulated survey"
description = "Frames of the built-in simulator; truth.ecsv lists what was injected."

[[frames]]
pattern = "field*_ref.fits"
role = "reference"
epoch = "ref"

[[frames]]
pattern = "field*_sci*.fits"
role = "science"
epoch = "sci"
"""
