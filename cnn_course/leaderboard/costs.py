"""What a network costs: numbers to store, operations, bytes of a file, and the time of one answer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from cnn_course import models, quantization

# The ways in which one answer is timed.
WAYS = ("model.predict", "Keras, one graph", "LiteRT float32", "LiteRT int8")
# The ways in which :func:`yardstick` times a network that computes nothing, and the student of lesson 07.
YARDSTICKS = ("model.predict of nothing", "LiteRT float32 of the student")


@dataclass(frozen=True)
class Cost:
    """What :func:`measured` finds.

    Attributes:
        parameters: All numbers of the network, the averages of batch normalisation included.
        flops: Floating-point operations of one answer, as :func:`cnn_course.models.count_flops` counts them.
        bytes: Size of the LiteRT file, ``"float32"`` and ``"int8"``.
        milliseconds: For each of :data:`WAYS` the median and the 95th percentile of the calls.
    """

    parameters: int
    flops: int
    bytes: dict[str, int]
    milliseconds: dict[str, tuple[float, float]]


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
        flops=len(images) * models.count_flops(model),
        bytes={kind: len(content) for kind, content in contents.items()},
        milliseconds={way: (float(np.median(each)), float(np.percentile(each, 95))) for way, each in times.items()},
    )


def yardstick(*, repeats: int = 100) -> dict[str, float]:
    """Return the median milliseconds of two fixed networks, by :data:`YARDSTICKS`.

    Measured beside each network of a table, they show whether the machine was the same, and as busy, for all of them.
    """
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype("float32")
    nothing = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.GlobalAveragePooling2D()])
    student = quantization.LiteRTClassifier(quantization.convert(models.student((32, 32, 3)), "float32"))
    calls = partial(nothing.predict, pixels, verbose=0), partial(student.predict, pixels)
    return {
        name: float(np.median(1000 * quantization.latencies(call, repeats=repeats)))
        for name, call in zip(YARDSTICKS, calls, strict=True)
    }
