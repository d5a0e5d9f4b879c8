"""Stamps of candidates, with what is known of each; the first axis of every array counts them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

SIDE = 63
PLANES = ("science", "reference", "difference")
# What a real candidate may be; bogus ones are artifacts.
CLASSES = ("supernova", "variable", "transient")
ARTIFACT, UNKNOWN = "artifact", "unknown"


@dataclass(frozen=True)
class Stamps:
    """Labelled candidates.

    Attributes
    ----------
    planes : (n, 3, 63, 63) float32 array
        Science, reference and difference around each; any unit, NaN where there are no data.
    fwhm : (n,) array
        Seeing, px.
    sign : (n,) array
        1 where the science frame is the brighter one, -1 where the reference is, 0 not known.
    history : (n,) array
        Detections at this place so far, this one included; NaN where it is not known.
    kind : (n,) array of str
        supernova, variable or transient, unknown for real ones of no known class, or artifact.
    group : (n,) array of str
        The sky it shows: stamps of one object or one scene share it.
    weight : (n,) array
        How much each counts in training.
    """

    planes: NDArray[np.float32]
    fwhm: FloatArray
    sign: FloatArray
    history: FloatArray
    kind: NDArray[np.str_]
    group: NDArray[np.str_]
    weight: FloatArray

    def __post_init__(self) -> None:
        """Refuse columns of different lengths and stamps of another size."""
        if self.planes.shape[1:] != (len(PLANES), SIDE, SIDE):
            raise ValueError(
                f"stamps are (n, {len(PLANES)}, {SIDE}, {SIDE}), not {self.planes.shape}"
            )
        lengths = {column.name: len(getattr(self, column.name)) for column in fields(self)}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"one value per stamp is needed, not {lengths}")

    def __len__(self) -> int:
        """Count the stamps."""
        return len(self.planes)

    @property
    def is_real(self) -> NDArray[np.bool_]:
        """Whether each is a change of the sky."""
        return np.asarray(self.kind != ARTIFACT)

    def chosen(self, index: NDArray) -> "Stamps":
        """Give the stamps at ``index``, which may repeat some."""
        return Stamps(*(getattr(self, column.name)[index] for column in fields(self)))

    def sha256(self) -> str:
        """Give the hash of pixels and labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.planes).tobytes())
        digest.update("\n".join(self.kind.tolist() + self.group.tolist()).encode())
        return digest.hexdigest()


def joined(parts: Sequence[Stamps]) -> Stamps:
    """Give the stamps of all parts, in their order."""
    return Stamps(
        *(
            np.concatenate([getattr(part, column.name) for part in parts])
            for column in fields(Stamps)
        )
    )


def unlabelled(
    planes: NDArray[np.float32],
    fwhm: FloatArray,
    *,
    sign: FloatArray | None = None,
    history: FloatArray | None = None,
) -> Stamps:
    """Give stamps of which nobody has said what they are."""
    count = len(planes)
    return Stamps(
        planes=planes,
        fwhm=fwhm,
        sign=np.zeros(count) if sign is None else sign,
        history=np.full(count, np.nan) if history is None else history,
        kind=np.full(count, UNKNOWN),
        group=np.arange(count).astype(str),
        weight=np.ones(count),
    )


def fitted(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give stamps of another odd size as 63 px: cut around the middle, or with NaN around.

    An even side has its middle at ``side // 2``, as survey packets have it.
    """
    side = planes.shape[-1]
    if side == SIDE:
        return planes
    whole = np.full((*planes.shape[:-2], SIDE, SIDE), np.nan, np.float32)
    low = SIDE // 2 - side // 2
    source = slice(max(0, -low), max(0, -low) + min(side, SIDE))
    target = slice(max(0, low), max(0, low) + min(side, SIDE))
    whole[..., target, target] = planes[..., source, source]
    return whole
