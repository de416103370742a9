"""The work of a network: floating-point operations for one input, counted layer by layer."""

import math
from collections.abc import Callable

import keras
from keras import layers

from cnn_course import convolution
from cnn_course.models.hybrid import PositionEmbedding


def count_flops(model: keras.Model) -> int:
    """Return the floating-point operations of one pass forward, for one input.

    Counted as in lesson 01: a multiplication and the addition of its product are two operations, also where the product
    is with a padded zero, and a bias is one more. What has no matrix of weights (normalisation, activations, pooling,
    sums, softmax) is left out: a few operations for each value beside dozens or hundreds. Of self-attention, the two
    products of the positions with each other are counted with the four projections.

    Args:
        model: Made of Conv1D, Conv2D, DepthwiseConv2D, Conv2DTranspose, Dense and MultiHeadAttention layers, of layers
            without matrices, and of models of such layers, each used once; with a fixed size of its input.

    Raises:
        ValueError: A layer with a matrix is not among them, so that the sum would be too small; or a size is open.
    """
    return sum(_of_layer(layer) for layer in model.layers)


def _of_layer(layer: keras.Layer) -> int:
    if isinstance(layer, keras.Model):
        return count_flops(layer)
    for kind, count in _COUNTS.items():
        if type(layer) is kind:
            if None in layer.output.shape[1:]:
                raise ValueError(
                    f"The output of {layer.name} has the open shape {layer.output.shape[1:]}, so that its operations "
                    "cannot be counted. Build the network with a fixed input shape, such as (32, 32, 3)."
                )
            return count(layer)
    if any(len(weight.shape) > 1 for weight in layer.weights) and not isinstance(layer, _WITHOUT_PRODUCTS):
        known = ", ".join(kind.__name__ for kind in _COUNTS)
        raise ValueError(
            f"The operations of {layer.name}, a layer of type {type(layer).__name__}, cannot be counted; "
            f"those of {known} can."
        )
    return 0


def _convolution(layer: keras.Layer) -> int:
    outputs = math.prod(layer.output.shape[1:])
    # Each output is the sum of as many products as its filter has weights.
    return outputs * (2 * math.prod(layer.kernel.shape[:-1]) + layer.use_bias)


def _depthwise(layer: layers.DepthwiseConv2D) -> int:
    return math.prod(layer.output.shape[1:]) * (2 * math.prod(layer.kernel.shape[:2]) + layer.use_bias)


def _transposed(layer: layers.Conv2DTranspose) -> int:
    # Each input value is multiplied with all weights of its channel; the products are added at their places.
    products = math.prod(layer.input.shape[1:]) * math.prod(layer.kernel.shape[:-1])
    return 2 * products + layer.use_bias * math.prod(layer.output.shape[1:])


def _dense(layer: layers.Dense) -> int:
    vectors = math.prod(layer.input.shape[1:-1])
    return vectors * convolution.dense_flops(layer.input.shape[-1], layer.units, bias=layer.use_bias)


def _attention(layer: layers.MultiHeadAttention) -> int:
    query, value, key = (layer.query_dense, layer.value_dense, layer.key_dense)
    inputs = layer.input if isinstance(layer.input, list | tuple) else [layer.input] * 2
    asking, asked = math.prod(inputs[0].shape[1:-1]), math.prod(inputs[1].shape[1:-1])
    projections = 0
    for each, positions in ((query, asking), (key, asked), (value, asked), (layer.output_dense, asking)):
        biases = math.prod(each.bias.shape) if each.bias is not None else 0
        projections += positions * (2 * math.prod(each.kernel.shape) + biases)
    with_each_other = 2 * asking * asked * layer.num_heads * (layer.key_dim + layer.value_dim)
    return projections + with_each_other


# Their arrays are looked up, added, or what pixels are divided by: no product of matrices.
_WITHOUT_PRODUCTS = (layers.Embedding, PositionEmbedding, layers.Normalization)
_COUNTS: dict[type, Callable[[keras.Layer], int]] = {
    layers.Conv1D: _convolution,
    layers.Conv2D: _convolution,
    layers.DepthwiseConv2D: _depthwise,
    layers.Conv2DTranspose: _transposed,
    layers.Dense: _dense,
    layers.MultiHeadAttention: _attention,
}
