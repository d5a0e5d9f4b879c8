"""Pairs to measure with: from the project's own simulator, or from a module of anyone's."""

import importlib.util
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.differencing.field import Changes, Field, FloatArray, Frame, PsfAt
from benchmarks.differencing.ideal import bounds
from observations.simulator import Pair, SceneParameters, simulate_pair
from observations.simulator.exposure import Exposure
from observations.simulator.psf import PsfField, add_stamps
from observations.simulator.truth import SUPERNOVA, VARIABLE

# size, seed, star density -> pair
Maker = Callable[[int, int, float], Field]

SOURCE_WIDTH = 61  # px; of the stamp in which a new source's own light is counted
TRANSIENTS_PER_MPIX = 48.0
INSIDE = 15.0  # px that a source keeps from the edges to be asked for

# What `make_pair` of an outside module must give; docs/benchmarks.md says what each means.
KEYS = (
    "sci", "ref", "mask_sci", "mask_ref", "cr", "gain_sci", "gain_ref", "rn_sci", "rn_ref", "sat",
    "fn", "sky_sci", "sky_ref", "model_sci", "model_ref", "tx", "ty", "tflux", "tsnr", "thost",
    "sx", "sy", "sflux", "svar", "sdflux", "gx", "gy", "Pn", "Pr",
)  # fmt: skip


def scene(size: int, star_density: float) -> SceneParameters:
    """Give the sky and the camera of the benchmark: stars and galaxies over ten magnitudes.

    Sources are new at an ideal S/N of 3 to 50, log-uniform, two in five of them at galaxies.
    """
    return SceneParameters(
        size=size,
        distortion=0.2,
        stars_per_mpix=1100.0 * star_density,
        star_magnitudes=(14.0, 25.2),
        galaxy_magnitudes=(16.8, 23.8),
        transients_per_mpix=TRANSIENTS_PER_MPIX,
        host_fraction=0.45,
        snr_range=(3.0, 50.0),
        variable_magnitudes=(16.0, 21.7),
        variable_amplitude_mag=(0.1, 0.7),
    )


def simulated(size: int, seed: int, star_density: float) -> Field:
    """Draw a pair with the project's own simulator."""
    pair = simulate_pair(scene(size, star_density), seed)
    kinds = np.array([source.kind for source in pair.sources])
    return Field(
        size=size,
        seed=seed,
        star_density=star_density,
        science=_frame(pair.science),
        reference=_frame(pair.reference),
        flux_ratio=pair.flux_ratio,
        saturation=pair.parameters.saturation_adu,
        is_cosmic=pair.science.is_cosmic | pair.reference.is_cosmic,
        transients=_changes(pair, kinds != VARIABLE),
        variables=_changes(pair, kinds == VARIABLE),
        stars=_on_science(pair, pair.scene.stars.x, pair.scene.stars.y),
        star_flux=pair.scene.stars.flux * pair.reference.conditions.adu_per_flux,
        galaxies=_on_science(pair, pair.scene.galaxies.x, pair.scene.galaxies.y),
    )


def _frame(exposure: Exposure) -> Frame:
    conditions = exposure.conditions
    sky = conditions.sky()
    return Frame(
        pixels=exposure.pixels,
        light=exposure.light - sky,
        sky=sky,
        is_masked=exposure.is_masked,
        gain=conditions.gain,
        read_noise_e=conditions.read_noise_e,
        psf=_stamper(exposure.psf),
    )


def _stamper(psf: PsfField) -> PsfAt:
    return lambda x, y, width: psf.stamp(round(x), round(y), width)


def _changes(pair: Pair, chosen: np.ndarray) -> Changes:
    some = [source for source, keep in zip(pair.sources, chosen, strict=True) if keep]
    x, y, flux, snr = np.array([(s.x, s.y, s.flux, s.snr) for s in some]).reshape(-1, 4).T
    return Changes(x, y, flux, snr, np.array([s.kind == SUPERNOVA for s in some], bool))


def _on_science(pair: Pair, x: FloatArray, y: FloatArray) -> FloatArray:
    return np.column_stack(pair.science.conditions.pointing.to_frame(x, y))


def outside(path: Path) -> Maker:
    """Take pairs from ``make_pair(n, seed, star_density=...)`` of a Python file.

    Where it also takes ``n_tr``, the number of new sources grows with the area.

    Raises
    ------
    ValueError
        If the file is no module with that function.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ValueError(f"{path} is not a Python file: --generator wants one with make_pair")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    make_pair = getattr(module, "make_pair", None)
    if make_pair is None:
        raise ValueError(f"{path} has no make_pair(n, seed, star_density=...)")

    takes_count = "n_tr" in inspect.signature(make_pair).parameters

    def more(size: int) -> dict[str, int]:
        return {"n_tr": max(100, round(TRANSIENTS_PER_MPIX * size**2 / 1e6))} if takes_count else {}

    def make(size: int, seed: int, star_density: float) -> Field:
        facts = make_pair(size, seed, star_density=star_density, **more(size))
        return from_facts(facts, size, seed, star_density)

    return make


def from_facts(facts: Mapping[str, Any], size: int, seed: int, star_density: float) -> Field:
    """Read the pair that an outside generator made.

    Raises
    ------
    ValueError
        If something in :data:`KEYS` is missing.
    """
    missing = [key for key in KEYS if key not in facts]
    if missing:
        raise ValueError(f"the pair of the generator has no {', '.join(missing)}")
    new = Changes(facts["tx"], facts["ty"], facts["tflux"], facts["tsnr"], facts["thost"] >= 0)
    science, reference = (_outside_frame(facts, *keys) for keys in (("sci", "Pn"), ("ref", "Pr")))
    _add_sources(science, new)
    none = np.empty(0)
    without = Changes(none, none, none, none, np.empty(0, bool))
    field = Field(
        size=size,
        seed=seed,
        star_density=star_density,
        science=science,
        reference=reference,
        flux_ratio=facts["fn"],
        saturation=facts["sat"],
        is_cosmic=facts["cr"],
        transients=new,
        variables=without,
        stars=np.column_stack([facts["sx"], facts["sy"]]),
        star_flux=facts["sflux"],
        galaxies=np.column_stack([facts["gx"], facts["gy"]]),
    )
    return _with_variables(field, facts["svar"], facts["sdflux"])


def _outside_frame(facts: Mapping[str, Any], name: str, psf: str) -> Frame:
    # a copy: the sources' own light is added to it
    return Frame(
        pixels=facts[name],
        light=np.array(facts[f"model_{name}"], np.float32),
        sky=facts[f"sky_{name}"],
        is_masked=facts[f"mask_{name}"],
        gain=facts[f"gain_{name}"],
        read_noise_e=facts[f"rn_{name}"],
        psf=cast(PsfAt, facts[psf].stamp),
    )


def _add_sources(science: Frame, new: Changes) -> None:
    """Add the light of new sources, to the pixel, to that of the scene in place."""
    for x, y, flux in zip(new.x, new.y, new.flux, strict=True):
        stamp = flux * science.psf(x, y, SOURCE_WIDTH)
        add_stamps(science.light, stamp[None], np.array([x]), np.array([y]))


def _with_variables(field: Field, is_variable: np.ndarray, change: FloatArray) -> Field:
    """Give the field with its variable stars, whose significance the generator does not state."""
    x, y = field.stars.T
    last = field.size - INSIDE
    chosen = is_variable & (x > INSIDE) & (x < last) & (y > INSIDE) & (y < last)
    rows = zip(x[chosen], y[chosen], change[chosen], strict=True)
    snr = np.array([flux / bounds(field, a, b, flux).flux for a, b, flux in rows])
    alone = np.zeros(int(chosen.sum()), bool)
    variables = Changes(x[chosen], y[chosen], change[chosen], snr, alone)
    return Field(**{**vars(field), "variables": variables})
