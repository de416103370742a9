"""What a network costs: numbers to store, operations, bytes of a file, and the time of one answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from cnn_course import convolution, quantization

# The ways in which one answer is timed.
WAYS = ("model.predict", "Keras, one graph", "LiteRT float32", "LiteRT int8")


@dataclass(frozen=True)
class Cost:
    """What :func:`measured` finds.

    Attributes:
        parameters: All numbers of the network, the averages of batch normalisation included.
        flops: Floating-point operations of one answer, as :func:`flops` counts them.
        bytes: Size of the LiteRT file, ``"float32"`` and ``"int8"``.
        milliseconds: For each of :data:`WAYS` the median and the 95th percentile of the calls.
    """

    parameters: int
    flops: int
    bytes: dict[str, int]
    milliseconds: dict[str, tuple[float, float]]


def flops(model: keras.Model) -> int:
    """Return the floating-point operations of a network's convolutions and dense layers for one image.

    They are counted as in lesson 01 (:func:`cnn_course.convolution.conv2d_flops`): two for each multiply-add. What
    normalisation, pooling and activations do is not counted; it is a few hundredths. A layer counts once, also where
    it is used several times.

    Raises:
        ValueError: Height and width of the maps are open, or a layer of another kind has a kernel.
    """
    return sum(_layer_flops(layer) for layer in _layers(model))


def measured(model: keras.Model, images: np.ndarray, representative: np.ndarray, *, repeats: int = 200) -> Cost:
    """Return what a network of images costs on this machine; LiteRT runs on one thread.

    Args:
        model: Takes pixels from 0 to 255, with a fixed height and width.
        images: What one call is asked: one image, or all views of one.
        representative: Images from which the int8 file learns its ranges.
        repeats: Timed calls of each way. Ten others come before them.
    """
    images = images.astype("float32")
    contents = quantization.convert_all(model, ("float32", "int8"), representative=representative)
    graph = tf.function(partial(model, training=False))
    of_litert = {kind: quantization.LiteRTClassifier(content) for kind, content in contents.items()}
    calls: dict[str, Callable[[], object]] = {
        "model.predict": partial(model.predict, images, verbose=0),
        "Keras, one graph": lambda: graph(images).numpy(),
        "LiteRT float32": partial(of_litert["float32"].predict, images),
        "LiteRT int8": partial(of_litert["int8"].predict, images),
    }
    times = {way: 1000 * quantization.latencies(calls[way], repeats=repeats) for way in WAYS}
    return Cost(
        parameters=model.count_params(),
        flops=len(images) * flops(model),
        bytes={kind: len(content) for kind, content in contents.items()},
        milliseconds={way: (float(np.median(each)), float(np.percentile(each, 95))) for way, each in times.items()},
    )


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers of a model, and those of the models in it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer


def _layer_flops(layer: keras.Layer) -> int:
    if isinstance(layer, keras.layers.Dense):
        return convolution.dense_flops(layer.kernel.shape[0], layer.units, bias=layer.use_bias)
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    if not depthwise and not isinstance(layer, keras.layers.Conv2D):
        if getattr(layer, "kernel", None) is not None:
            raise ValueError(f"The operations of {layer.name!r}, a {type(layer).__name__}, cannot be counted here.")
        return 0
    *sizes, channels = layer.input.shape[1:]
    if None in sizes:
        raise ValueError(
            f"The maps of {layer.name!r} have no fixed height and width. Build the network with an input shape such as "
            "(32, 32, 3)."
        )
    return convolution.conv2d_flops(
        tuple(sizes),
        tuple(layer.kernel_size),
        channels,
        channels * layer.depth_multiplier if depthwise else layer.filters,
        stride=tuple(layer.strides),
        padding=layer.padding,
        dilation=tuple(layer.dilation_rate),
        groups=channels if depthwise else layer.groups,
        bias=layer.use_bias,
    )
