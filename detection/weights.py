"""Trained weights: found, checked and opened, or refused."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnxruntime as ort

from astrid.core.errors import BadWeights
from detection import normalise
from detection.card import ANOMALY, CLASSIFIER, UNET, Card, read_card
from detection.stampnet import sight

DEFAULT = Path(__file__).parent / "weights" / "astrid-unet-1.onnx"
# The networks that come with the code, by what they do.
SHIPPED = {
    UNET: DEFAULT,
    CLASSIFIER: DEFAULT.parent / "astrid-stamps-2.onnx",
    ANOMALY: DEFAULT.parent / "astrid-anomaly-2.onnx",
}
# Names of the inputs and outputs: of a U-Net, of a classifier, of an anomaly detector.
INPUT, OUTPUT = "stack", "probability"
REAL, CLASS, EMBEDDING = "real", "class", "embedding"
DISTANCE = "distance"

Ports = dict[str, tuple[int | None, ...]]


@dataclass(frozen=True)
class Weights:
    """A network ready to run, and its card."""

    session: ort.InferenceSession
    card: Card
    path: Path
    content: bytes = field(repr=False)


def load(path: Path = DEFAULT, sha256: str | None = None, *, threads: int = 1) -> Weights:
    """Open trained weights after checking that they are what their card says.

    Parameters
    ----------
    path : Path
        ONNX file; its card lies beside it with the ending ``.json``.
    sha256 : str, optional
        Hash that the caller expects, such as the one of a database row.
    threads : int
        Threads that one inference may use.

    Raises
    ------
    BadWeights
        If the file or card is missing, the hash differs, the file is no network, or the network
        has other inputs or outputs than its card says, or another normalisation.
    """
    card = read_card(path.with_suffix(".json"))
    return opened(read_weights(path), card, path, sha256, threads=threads)


def opened(
    content: bytes, card: Card, path: Path, sha256: str | None = None, *, threads: int = 1
) -> Weights:
    """Open weights that were read already; ``path`` is what errors call them. See :func:`load`."""
    check_hash(content, path, card, sha256)
    sees_stamps = card.model_type == ANOMALY or bool(card.inputs)
    if not sees_stamps:
        check_normalisation(card, path, normalise.CHANNELS, normalise.VERSION)
    session = open_session(content, path, threads)
    check_ports(session, card, path)
    if sees_stamps:
        check_normalisation(card, path, sight.CHANNELS, sight.VERSION)
    return Weights(session, card, path, content)


def read_weights(path: Path) -> bytes:
    """Read the weights file."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BadWeights(
            f"no weights at {path}: restore them from the repository or run train_model"
        ) from error


def check_hash(content: bytes, path: Path, card: Card, expected: str | None) -> None:
    """Refuse bytes that are not the ones that were trained."""
    found = hashlib.sha256(content).hexdigest()
    for owner, wanted in (("its card", card.sha256), ("the caller", expected)):
        if wanted is not None and wanted != found:
            raise BadWeights(
                f"{path} has SHA-256 {found[:12]}..., {owner} says {wanted[:12]}...: restore the "
                "weights that belong to it, or train and register them anew"
            )


def check_normalisation(card: Card, path: Path, channels: Sequence[str], version: int) -> None:
    """Refuse a network that learned from differently prepared pixels."""
    if (list(card.channels), card.normalisation) != (list(channels), version):
        raise BadWeights(
            f"{path} was trained on channels {card.channels} with normalisation "
            f"{card.normalisation}, this version makes {list(channels)} with normalisation "
            f"{version}: run train_model"
        )


def open_session(content: bytes, path: Path, threads: int) -> ort.InferenceSession:
    """Open the network in ONNX Runtime on the CPU."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ONLY_ERRORS
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except RUNTIME_ERRORS as error:
        raise BadWeights(f"{path} is not a network that ONNX Runtime can open: {error}") from error


ONLY_ERRORS = 3
# ONNX Runtime has no common base for its errors other than RuntimeError.
RUNTIME_ERRORS = (
    RuntimeError,
    ort.capi.onnxruntime_pybind11_state.InvalidProtobuf,
    ort.capi.onnxruntime_pybind11_state.InvalidGraph,
    ort.capi.onnxruntime_pybind11_state.Fail,
)


def releasing() -> ort.RunOptions:
    """Give the options of a last batch: the memory kept for batches of its shape is given back."""
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def check_ports(session: ort.InferenceSession, card: Card, path: Path) -> None:
    """Refuse a network with other inputs or outputs than its card promises."""
    found = tuple(
        {port.name: tuple(port.shape) for port in ports}
        for ports in (session.get_inputs(), session.get_outputs())
    )
    wanted = ports_of(card)
    if not all(_fit(here, there) for here, there in zip(found, wanted, strict=True)):
        raise BadWeights(
            f"{path} maps {found[0]} to {found[1]}, but its card says {card.model_type}, which "
            f"maps {wanted[0]} to {wanted[1]}: it is a network for something else"
        )


def ports_of(card: Card) -> tuple[Ports, Ports]:
    """Give the inputs and outputs of a kind of network; None is a length that may be any."""
    if card.model_type == UNET:
        return {INPUT: (None, None, None, len(card.channels))}, {OUTPUT: (None, None, None, 1)}
    if card.model_type == ANOMALY:
        return {EMBEDDING: (None, None)}, {DISTANCE: (None,)}
    taken: Ports = {name: (None, *shape) for name, shape in card.inputs.items()}
    kinds = len(card.classes)
    return taken, {REAL: (None, None), CLASS: (None, None, kinds), EMBEDDING: (None, None)}


def _fit(found: dict[str, Any], wanted: Ports) -> bool:
    """Say whether ports agree in names, ranks and every length that both state."""
    if found.keys() != wanted.keys():
        return False
    return all(
        len(found[name]) == len(shape)
        and all(
            there is None or not isinstance(here, int) or here == there
            for here, there in zip(found[name], shape, strict=True)
        )
        for name, shape in wanted.items()
    )
