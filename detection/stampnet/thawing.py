"""An exported network that can learn again: its own graph, its numbers free to move.

What serves is what learns: no second description of the network has to be kept in step with the
file, and the file that comes out differs from the one that went in by its numbers only. The
normalisation of batches is part of the convolutions since the export, so a few lessons cannot
upset it. Imported where a network is trained only: it needs TensorFlow.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray
from onnx import GraphProto, helper, numpy_helper

from astrid.core.errors import BadWeights

# Where the numbers of a network stand among the inputs of its nodes.
LEARNING = {"Conv": (1, 2), "MatMul": (0, 1), "Add": (0, 1)}
Values = Mapping[str, Any]


def thaw(content: bytes) -> "keras.Model":
    """Give the network of an ONNX file as a Keras model with the same inputs and outputs.

    Raises
    ------
    BadWeights
        If the graph holds an operation that is not known here.
    """
    graph = onnx.load_from_string(content).graph
    unknown = sorted({node.op_type for node in graph.node} - OPERATIONS.keys())
    if unknown:
        raise BadWeights(
            f"the network holds the operations {', '.join(unknown)}, which cannot learn here: "
            "train it anew with train_model, or fit its calibration alone"
        )
    inputs = {
        port.name: keras.Input([side.dim_value for side in port.type.tensor_type.shape.dim[1:]],
                               name=port.name)
        for port in graph.input
    }  # fmt: skip
    return keras.Model(inputs, Graph(graph)(inputs))


def freeze(model: "keras.Model", content: bytes) -> bytes:
    """Give the file that a model was thawed from, with the numbers that it has learned."""
    network = onnx.load_from_string(content)
    learned = next(layer for layer in model.layers if isinstance(layer, Graph)).learned()
    for tensor in network.graph.initializer:
        if tensor.name in learned:
            tensor.CopyFrom(numpy_helper.from_array(learned[tensor.name], tensor.name))
    return bytes(network.SerializeToString())


class Graph(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """The nodes of an ONNX graph, one after the other."""

    def __init__(self, graph: GraphProto) -> None:
        super().__init__()
        self.nodes = list(graph.node)
        self.ports = [port.name for port in graph.output]
        free = learning(graph)
        self.constants: dict[str, NDArray[Any]] = {}
        self.numbers: dict[str, Any] = {}
        for index, tensor in enumerate(graph.initializer):
            values = numpy_helper.to_array(tensor)
            if tensor.name in free:
                self.numbers[tensor.name] = self.add_weight(
                    shape=values.shape,
                    initializer=lambda *_, start=values, **__: tf.constant(start),
                    name=f"numbers_{index}",
                )
            else:
                self.constants[tensor.name] = values

    def call(self, inputs: Values) -> dict[str, Any]:
        """Run the nodes; they stand in an order in which each finds what it needs."""
        values: dict[str, Any] = {**self.constants, **self.numbers, **inputs}
        for node in self.nodes:
            arguments = [values[name] if name else None for name in node.input]
            settings = {one.name: helper.get_attribute_value(one) for one in node.attribute}
            values[node.output[0]] = OPERATIONS[node.op_type](arguments, settings)
        return {name: values[name] for name in self.ports}

    def learned(self) -> dict[str, NDArray[np.float32]]:
        """Give the numbers as they are now, by their names in the file."""
        return {name: number.value.numpy() for name, number in self.numbers.items()}


def learning(graph: GraphProto) -> set[str]:
    """Name the numbers that were learned: kernels, matrices and what is added to their products."""
    named = {
        node.input[place]
        for node in graph.node
        for place in LEARNING.get(node.op_type, ())
        if place < len(node.input)
    }
    return {
        tensor.name
        for tensor in graph.initializer
        if tensor.name in named and tensor.data_type == onnx.TensorProto.FLOAT
    }


Arguments = list[Any]
Settings = dict[str, Any]


def convolve(arguments: Arguments, settings: Settings) -> Any:
    """Convolve images whose channels come before their pixels."""
    image, kernel, *bias = arguments
    padded = pad(image, settings, 0.0)
    found = tf.nn.conv2d(last(padded), tf.transpose(kernel, (2, 3, 1, 0)),
                         settings["strides"], "VALID", dilations=settings["dilations"])  # fmt: skip
    return first(found + bias[0] if bias else found)


def largest(arguments: Arguments, settings: Settings) -> Any:
    """Take the largest value of each window."""
    padded = pad(arguments[0], settings, float(np.finfo(np.float32).min))
    found = tf.nn.max_pool2d(last(padded), settings["kernel_shape"], settings["strides"], "VALID")
    return first(found)


def pad(image: Any, settings: Settings, value: float) -> Any:
    """Lay a rim around images."""
    top, left, bottom, right = settings.get("pads", (0, 0, 0, 0))
    rim = ((0, 0), (0, 0), (top, bottom), (left, right))
    return tf.pad(image, rim, constant_values=value)


def last(image: Any) -> Any:
    """Move the channels behind the pixels, where TensorFlow wants them."""
    return tf.transpose(image, (0, 2, 3, 1))


def first(image: Any) -> Any:
    """Move the channels before the pixels, where ONNX wants them."""
    return tf.transpose(image, (0, 3, 1, 2))


def cut(arguments: Arguments, settings: Settings) -> Any:
    """Take ranges of some axes."""
    values, starts, ends, axes, *steps = arguments
    ranges = {
        int(axis): slice(int(start), int(end), int(step))
        for start, end, axis, step in zip(
            starts, ends, axes, steps[0] if steps else [1] * len(starts), strict=True
        )
    }
    rank = len(values.shape)
    return values[tuple(ranges.get(axis, slice(None)) for axis in range(rank))]


def squeeze(arguments: Arguments, settings: Settings) -> Any:
    """Leave out axes of length one."""
    return tf.squeeze(arguments[0], [int(axis) for axis in arguments[1]])


def cast(arguments: Arguments, settings: Settings) -> Any:
    """Change the kind of numbers."""
    return tf.cast(arguments[0], helper.tensor_dtype_to_np_dtype(settings["to"]))


OPERATIONS: dict[str, Callable[[Arguments, Settings], Any]] = {
    "Add": lambda arguments, _: arguments[0] + arguments[1],
    "Cast": cast,
    "Concat": lambda arguments, settings: tf.concat(arguments, settings["axis"]),
    "Conv": convolve,
    "Gather": lambda arguments, settings: tf.gather(*arguments, axis=settings.get("axis", 0)),
    "GlobalAveragePool": lambda arguments, _: tf.reduce_mean(arguments[0], (2, 3), keepdims=True),
    "GlobalMaxPool": lambda arguments, _: tf.reduce_max(arguments[0], (2, 3), keepdims=True),
    "MatMul": lambda arguments, _: tf.matmul(*arguments),
    "MaxPool": largest,
    "Relu": lambda arguments, _: tf.nn.relu(arguments[0]),
    "Reshape": lambda arguments, _: tf.reshape(*arguments),
    "Shape": lambda arguments, _: tf.shape(arguments[0], out_type=tf.int64),
    "Slice": cut,
    "Squeeze": squeeze,
    "Transpose": lambda arguments, settings: tf.transpose(arguments[0], settings["perm"]),
}
