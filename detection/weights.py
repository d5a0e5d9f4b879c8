"""Trained weights: found, checked and opened, or refused."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import onnxruntime as ort

from astrid.core.errors import BadWeights
from detection import normalise
from detection.card import Card, read_card

DEFAULT = Path(__file__).parent / "weights" / "astrid-unet-1.onnx"
INPUT, OUTPUT = "stack", "probability"


@dataclass(frozen=True)
class Weights:
    """A network ready to run, and its card."""

    session: ort.InferenceSession
    card: Card
    path: Path


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
        was made for other channels or another normalisation.
    """
    card = read_card(path.with_suffix(".json"))
    content = read_weights(path)
    check_hash(content, path, card, sha256)
    check_normalisation(card, path)
    session = open_session(content, path, threads)
    check_shape(session, path)
    return Weights(session, card, path)


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


def check_normalisation(card: Card, path: Path) -> None:
    """Refuse a network that learned from differently prepared pixels."""
    wanted = (list(normalise.CHANNELS), normalise.VERSION)
    found = (list(card.channels), card.normalisation)
    if found != wanted:
        raise BadWeights(
            f"{path} was trained on channels {found[0]} with normalisation {found[1]}, this "
            f"version makes {wanted[0]} with normalisation {wanted[1]}: run train_model"
        )


def open_session(content: bytes, path: Path, threads: int) -> ort.InferenceSession:
    """Open the network in ONNX Runtime on the CPU."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # The arena keeps what the largest tile took for as long as the process lives.
    options.enable_cpu_mem_arena = False
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except RUNTIME_ERRORS as error:
        raise BadWeights(f"{path} is not a network that ONNX Runtime can open: {error}") from error


# ONNX Runtime has no common base for its errors other than RuntimeError.
RUNTIME_ERRORS = (
    RuntimeError,
    ort.capi.onnxruntime_pybind11_state.InvalidProtobuf,
    ort.capi.onnxruntime_pybind11_state.InvalidGraph,
    ort.capi.onnxruntime_pybind11_state.Fail,
)


def check_shape(session: ort.InferenceSession, path: Path) -> None:
    """Refuse a network with other inputs or outputs than a U-Net of ours."""
    inputs = [(port.name, port.shape[-1]) for port in session.get_inputs()]
    outputs = [(port.name, port.shape[-1]) for port in session.get_outputs()]
    wanted = [(INPUT, len(normalise.CHANNELS))], [(OUTPUT, 1)]
    if (inputs, outputs) != wanted:
        raise BadWeights(
            f"{path} maps {inputs} to {outputs}, a U-Net of AstrID maps {wanted[0]} to "
            f"{wanted[1]}: it is a network for something else"
        )
