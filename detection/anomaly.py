"""How far a candidate is from everything that the classifier has learned."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid.core.errors import BadWeights
from detection.weights import DISTANCE, EMBEDDING, Weights

FloatArray = NDArray[np.floating]

# The covariance is drawn this far towards its diagonal: fewer samples than numbers in it are usual.
SHRINKAGE = 0.1
LEAST_OF_A_CLASS = 2
# Of known candidates held back from the fit, this share is called unknown.
FALSE_RATE = 0.01
# Below this many held-out candidates a share of 1 % cannot be measured.
LEAST_HELD_OUT = 300


@dataclass(frozen=True)
class Clouds:
    """Where each class lies among the embeddings, on one common measure of distance.

    Attributes
    ----------
    means : (k, d) array
        One per class.
    whitening : (d, d) array
        (embedding - mean) @ whitening has unit covariance within classes.
    """

    means: FloatArray
    whitening: FloatArray

    def distances(self, embedding: FloatArray) -> FloatArray:
        """Give the Mahalanobis distance of each row to the nearest class."""
        apart = (embedding[:, None, :] - self.means[None]) @ self.whitening
        return np.asarray(np.sqrt((apart**2).sum(axis=-1)).min(axis=1))


def fit_clouds(embedding: FloatArray, label: NDArray) -> Clouds:
    """Measure class means and the covariance within classes.

    Parameters
    ----------
    embedding : (n, d) array
        Of the stamps that the classifier was trained on.
    label : (n,) array
        Class of each.

    Raises
    ------
    ValueError
        If an embedding is not finite, or there are fewer than two samples of a class.

    References
    ----------
    Lee et al. 2018, NeurIPS, arXiv:1807.03888, eq. 1 and 2: class means, tied covariance.
    """
    values = np.asarray(embedding, np.float64)
    if not np.isfinite(values).all():
        raise ValueError(
            f"{int((~np.isfinite(values)).sum())} numbers of embeddings are not finite"
        )
    classes, index, count = np.unique(label, return_inverse=True, return_counts=True)
    if len(classes) == 0 or count.min() < LEAST_OF_A_CLASS:
        found = ", ".join(f"{n} of {name}" for name, n in zip(classes, count, strict=True))
        raise ValueError(f"samples: {found or 'none'}; of each class {LEAST_OF_A_CLASS} needed")
    means = np.stack([values[index == which].mean(axis=0) for which in range(len(classes))])
    apart = values - means[index]
    covariance = apart.T @ apart / (len(values) - len(classes))
    return Clouds(means, whitening_of(covariance))


def whitening_of(covariance: FloatArray) -> FloatArray:
    """Give the matrix that makes a shrunk covariance the unit matrix.

    Numbers that never vary get the mean variance: they count, and do not divide by zero.
    """
    variance = covariance.diagonal()
    floor = variance.mean() * np.finfo(np.float32).eps
    diagonal = np.where(variance > floor, variance, max(variance.mean(), 1.0))
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(diagonal)
    values, vectors = np.linalg.eigh(shrunk)
    return np.asarray(vectors / np.sqrt(np.maximum(values, floor + np.finfo(float).tiny)))


def choose_distance(held_out: FloatArray, false_rate: float = FALSE_RATE) -> float:
    """Give the distance that this share of known candidates exceeds.

    Parameters
    ----------
    held_out : (n,) array
        Distances of candidates of known classes that neither classifier nor clouds were fitted to.

    Raises
    ------
    ValueError
        If there are too few of them to measure such a share.
    """
    if len(held_out) < LEAST_HELD_OUT:
        raise ValueError(f"{len(held_out)} held-out candidates: at least {LEAST_HELD_OUT} needed")
    return float(np.quantile(held_out, 1 - false_rate))


def check_pair(detector: Weights, classifier: Weights) -> None:
    """Refuse a detector that measures the embeddings of another classifier."""
    wanted = detector.card.training.get("embedding_of")
    if wanted != classifier.card.sha256:
        raise BadWeights(
            f"{detector.card.name} {detector.card.version} measures the embeddings of a classifier "
            f"with SHA-256 {str(wanted)[:12]}..., but {classifier.card.name} "
            f"{classifier.card.version} has {classifier.card.sha256[:12]}...: put the pair that "
            "was trained together in force"
        )


def novelty(detector: Weights, embedding: FloatArray) -> NDArray[np.float64]:
    """Give distances in units of the threshold: above 1 a candidate is like nothing learned.

    Parameters
    ----------
    embedding : (n, d) array
        Rows that are not finite give NaN.
    """
    is_good = np.isfinite(embedding).all(axis=1)
    result = np.full(len(embedding), np.nan)
    if is_good.any():
        feed = {EMBEDDING: np.asarray(embedding[is_good], np.float32)}
        (distance,) = detector.session.run([DISTANCE], feed)
        result[is_good] = distance / detector.card.thresholds["unknown"]
    return result


def to_onnx(clouds: Clouds) -> bytes:
    """Write the measure of distance as a network that ONNX Runtime serves like any other."""
    from onnx import TensorProto, checker, helper, numpy_helper

    size = clouds.means.shape[1]
    constants = {
        # (k, 1, d) and (d, d): what broadcasts against (n, d)
        "whitening": clouds.whitening,
        "centres": (clouds.means @ clouds.whitening)[:, None, :],
        "last": np.array([-1], np.int64),
        "first": np.array([0], np.int64),
    }
    stored = [
        numpy_helper.from_array(v if v.dtype == np.int64 else v.astype(np.float32), name)
        for name, v in constants.items()
    ]
    steps = [
        helper.make_node("MatMul", [EMBEDDING, "whitening"], ["white"]),
        helper.make_node("Sub", ["white", "centres"], ["apart"]),
        helper.make_node("ReduceL2", ["apart", "last"], ["lengths"], keepdims=0),
        helper.make_node("ReduceMin", ["lengths", "first"], [DISTANCE], keepdims=0),
    ]
    graph = helper.make_graph(
        steps,
        "astrid-anomaly",
        [helper.make_tensor_value_info(EMBEDDING, TensorProto.FLOAT, ["n", size])],
        [helper.make_tensor_value_info(DISTANCE, TensorProto.FLOAT, ["n"])],
        stored,
    )
    opset = [helper.make_opsetid("", OPSET)]
    network = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
    checker.check_model(network)
    return bytes(network.SerializeToString())


# ReduceL2 takes its axes as an input from 18 on; the file format of that time.
OPSET, IR_VERSION = 18, 8
