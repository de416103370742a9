"""Networks for small devices: conversion to LiteRT, and a classifier that hides the integers. Derived in lesson 08."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from cnn_course.quantization.aware import RoundedMaps
from cnn_course.startup import standard_error_set_aside

KINDS = ("float32", "dynamic", "float16", "int8")


def convert(model: keras.Model, kind: str = "float32", *, representative: np.ndarray | None = None) -> bytes:
    """Return a Keras model of images as a LiteRT file.

    Args:
        model: Takes pixels from 0 to 255, (n, height, width, channels) with a fixed height and width.
        kind: ``"float32"``; ``"dynamic"``: weights in 8 bits, but for kernels of fewer than 1,024 of them (float32);
            maps are float32 between layers and rounded to 8 bits inside one; ``"float16"``: weights in 16 bits;
            ``"int8"``: weights, maps, input and output in 8 bits.
        representative: Images from which ``"int8"`` learns the ranges of all maps. A hundred training images are
            usually enough. A model of :func:`quantization_aware` knows its ranges and needs none.

    Raises:
        ValueError: An unknown kind; ``"int8"`` without images: no range can be known then, and what comes out would be
            of the kind ``"dynamic"``; or an ``"int8"`` file that would compute a part in floating point all the same.
    """
    return convert_all(model, (kind,), representative=representative)[kind]


def convert_all(
    model: keras.Model, kinds: Sequence[str] = KINDS, *, representative: np.ndarray | None = None
) -> dict[str, bytes]:
    """Return a LiteRT file of each kind, as :func:`convert` does; the model is exported once for all of them."""
    aware = any(isinstance(layer, RoundedMaps) for layer in model.layers)
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}.")
        if kind == "int8" and not aware and (representative is None or len(representative) == 0):
            raise ValueError("int8 needs representative images, from which the ranges of all maps are learned.")
    with standard_error_set_aside(), tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        return {kind: _converted(folder, kind, None if aware else representative) for kind in kinds}


def _converted(folder: str, kind: str, representative: np.ndarray | None) -> bytes:
    """Return the LiteRT file of an exported model; without images, ``"int8"`` takes the ranges that it brings along."""
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":
        if representative is not None:
            converter.representative_dataset = lambda: _one_by_one(representative)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    content = converter.convert()
    if kind == "int8":
        _refuse_floats(content)
    return content


def _refuse_floats(content: bytes) -> None:
    """Raise an error where a file has a tensor of floating-point numbers."""
    tensors = Interpreter(model_content=content).get_tensor_details()
    floats = [tensor["name"] for tensor in tensors if np.issubdtype(tensor["dtype"], np.floating)]
    if floats:
        raise ValueError(
            f"{len(floats)} of the {len(tensors)} tensors of this int8 file would be computed in floating point, the "
            f"first of them {floats[0]!r}: their ranges are not known. Convert a network without fake quantization, "
            "with representative images; or one that quantization_aware has made, unchanged."
        )


def _one_by_one(images: np.ndarray) -> Iterator[list[np.ndarray]]:
    for image in images:
        yield [image[np.newaxis].astype("float32")]


class LiteRTClassifier:
    """A LiteRT file that answers as a Keras classifier does: images in, logits out, whatever integers are inside.

    Args:
        content: The file's bytes, or its path.
        threads: Processor threads of one call.
    """

    def __init__(self, content: bytes | Path, *, threads: int = 1) -> None:
        content = content.read_bytes() if isinstance(content, Path) else content
        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._batch = 0

    @property
    def dtypes(self) -> tuple[np.dtype, np.dtype]:
        """The number formats of input and output as they are in the file."""
        return np.dtype(self._input["dtype"]), np.dtype(self._output["dtype"])

    def predict(self, images: np.ndarray, *, batch_size: int = 32) -> np.ndarray:
        """Return logits (n, k), float32, for images (n, height, width, channels) with pixels from 0 to 255."""
        wanted = tuple(self._input["shape_signature"][1:])
        if images.ndim != 4 or images.shape[1:] != wanted:
            taken = f"(n, {', '.join(map(str, wanted))})"
            raise ValueError(f"The images have the shape {images.shape}; the file takes {taken}.")
        parts = [self._logits(images[at : at + batch_size]) for at in range(0, len(images), batch_size)]
        return np.concatenate(parts) if parts else np.zeros((0, self._output["shape_signature"][-1]), "float32")

    def _logits(self, images: np.ndarray) -> np.ndarray:
        if len(images) != self._batch:
            self._interpreter.resize_tensor_input(self._input["index"], images.shape, strict=True)
            with standard_error_set_aside():  # it tells which delegate it has made
                self._interpreter.allocate_tensors()
            self._batch = len(images)
        self._interpreter.set_tensor(self._input["index"], _to_stored(images, self._input))
        self._interpreter.invoke()
        return _from_stored(self._interpreter.get_tensor(self._output["index"]), self._output)


def _to_stored(values: np.ndarray, tensor: dict) -> np.ndarray:
    """Return real numbers as the tensor keeps them: its own format, or integers by its scale and zero point."""
    dtype, (scale, zero_point) = np.dtype(tensor["dtype"]), tensor["quantization"]
    if not np.issubdtype(dtype, np.integer):
        return values.astype(dtype)
    bounds = np.iinfo(dtype)
    return np.clip(np.round(values / np.float32(scale)) + zero_point, bounds.min, bounds.max).astype(dtype)


def _from_stored(values: np.ndarray, tensor: dict) -> np.ndarray:
    """Return the real numbers that a tensor stands for, float32."""
    scale, zero_point = tensor["quantization"]
    if not np.issubdtype(values.dtype, np.integer):
        return values.astype("float32")
    return (values.astype("float32") - zero_point) * np.float32(scale)


def latencies(call: Callable[[], object], *, repeats: int = 100, warmup: int = 10) -> np.ndarray:
    """Return the seconds of ``repeats`` calls after ``warmup`` others, each timed alone: (repeats,), float64."""
    for _ in range(warmup):
        call()
    seconds = np.zeros(repeats)
    for k in range(repeats):
        began = time.perf_counter()
        call()
        seconds[k] = time.perf_counter() - began
    return seconds
