"""What a reference alone determines, made once and used for many science frames."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np

from differencing.parameters import DifferenceParameters
from differencing.psf.model import PsfModel
from differencing.psf.stars import Sources
from differencing.subtraction.measure import FRAMES, find_sources, likely_stars, measure_psf
from differencing.subtraction.noise import BoolArray
from differencing.subtraction.prepare import Plane
from preprocessing.calibrated import CalibratedFrame
from preprocessing.hits import fall_of, find_cosmics

# Raised with every change of what a pack holds or how it is measured.
VERSION = 2
# The tunables that a pack depends on.
TUNABLES = (
    "star_threshold",
    "faint_star_threshold",
    "linear_fraction",
    "psf_radius",
    "psf_degree",
    "max_psf_stars",
    "min_psf_stars",
)

Tunables = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ReferencePack:
    """A reference frame with all that is measured on it alone.

    Attributes
    ----------
    frame : CalibratedFrame
        The reference itself.
    plane : Plane
        Its pixels as the subtraction needs them, cosmic rays marked.
    sources : Sources
    stars : (n,) bool array
        Which of them are single stars.
    model : PsfModel
    tunables : tuple of float
        The values of :data:`TUNABLES` that it was made with.
    """

    frame: CalibratedFrame
    plane: Plane
    sources: Sources
    stars: BoolArray
    model: PsfModel
    tunables: Tunables

    @property
    def nbytes(self) -> int:
        """Bytes that it holds, arrays shared with the frame counted once."""
        arrays = (
            *(getattr(self.frame, name) for name in ("pixels", "noise", "mask")),
            *(getattr(self.plane, name) for name in ("pixels", "noise", "mask", "bad")),
            *vars(self.sources).values(),
            self.model.coefficients,
        )
        return sum(array.nbytes for array in {id(array): array for array in arrays}.values())


def prepare_reference(
    reference: CalibratedFrame, parameters: DifferenceParameters
) -> ReferencePack:
    """Measure everything that a subtraction needs of ``reference`` alone.

    Raises
    ------
    ValueError
        If no pixel is good, or there are too few stars for a PSF.
    """
    plane, sources = take_apart(reference, FRAMES[1], parameters)
    stars = likely_stars(sources, plane.shape, parameters)
    return measure_reference(reference, plane, sources, stars, parameters)


def take_apart(
    frame: CalibratedFrame, name: str, parameters: DifferenceParameters
) -> tuple[Plane, Sources]:
    """Give the plane of a frame, and its sources."""
    plane = Plane.of(frame, name)
    return plane, find_sources(plane, parameters)


def measure_reference(
    reference: CalibratedFrame,
    plane: Plane,
    sources: Sources,
    stars: BoolArray,
    parameters: DifferenceParameters,
) -> ReferencePack:
    """Measure the PSF of a reference whose ``stars`` are known, and mark its cosmic rays."""
    model = measure_psf(plane, sources, stars, parameters, FRAMES[1])
    plane = without_cosmics(plane, model)
    return ReferencePack(reference, plane, sources, stars, model, tunables_of(parameters))


def without_cosmics(plane: Plane, model: PsfModel) -> Plane:
    """Give a plane with its cosmic-ray hits masked."""
    return plane.with_hits(
        find_cosmics(plane.pixels, plane.noise, fall=fall_of(model.sharpest()), gain=plane.gain)
    )


def tunables_of(parameters: DifferenceParameters) -> Tunables:
    """Give the values that a pack depends on."""
    return tuple(getattr(parameters, name) for name in TUNABLES)


def check_pack(pack: ReferencePack, parameters: DifferenceParameters) -> None:
    """Refuse a pack that was made with other values.

    Raises
    ------
    ValueError
        Naming them.
    """
    differing = [
        f"{name} {made:g} instead of {asked:g}"
        for name, made, asked in zip(TUNABLES, pack.tunables, tunables_of(parameters), strict=True)
        if made != asked
    ]
    if differing:
        raise ValueError(
            f"the reference was prepared with {', '.join(differing)}: prepare it again"
        )


def content_key(reference: CalibratedFrame) -> str:
    """Give a hash of the pixels, noise, mask, gain and saturation of a frame."""
    digest = hashlib.sha256(f"{reference.shape} {reference.gain} {reference.saturation}".encode())
    for plane in (reference.pixels, reference.noise, reference.mask):
        digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()


class PackCache:
    """The packs used last, as far as they fit into ``limit`` bytes; safe between threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._packs: OrderedDict[tuple[str, int, Tunables], ReferencePack] = OrderedDict()
        self._lock = Lock()

    def get(
        self, content: str, parameters: DifferenceParameters, load: Callable[[], CalibratedFrame]
    ) -> ReferencePack:
        """Give the pack of the frame whose content has the hash ``content``.

        ``load`` gives that frame when it has to be prepared.
        """
        key = (content, VERSION, tunables_of(parameters))
        with self._lock:
            if key in self._packs:
                self._packs.move_to_end(key)
                return self._packs[key]
        pack = prepare_reference(load(), parameters)
        self._keep(key, pack)
        return pack

    def _keep(self, key: tuple[str, int, Tunables], pack: ReferencePack) -> None:
        with self._lock:
            self._packs[key] = pack
            while self.nbytes > self.limit:
                self._packs.popitem(last=False)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(pack.nbytes for pack in self._packs.values())
