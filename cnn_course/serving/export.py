"""A network as a program: a SavedModel with everything in it that an answer needs, in a numbered folder. Lesson 13."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_course import quantization, startup
from cnn_course.serving.errors import ServingError
from cnn_course.serving.versions import version_folders

# Files that a version brings along beside the SavedModel; TensorFlow Serving leaves this folder alone.
EXTRA = "assets.extra"


def export(
    model: keras.Model,
    folder: Path,
    *,
    class_names: Sequence[str],
    image_shape: tuple[int, int, int] | None = None,
    version: int | None = None,
    litert: str | None = None,
    representative: np.ndarray | None = None,
) -> Path:
    """Write a classifier as a new version of the model in ``folder``, and return the version's folder.

    The version has two signatures. ``serving_default`` takes ``images``, pixels from 0 to 255 (n, height, width,
    channels), uint8, and returns ``probabilities`` (n, k), float32. ``files`` takes ``image_bytes``, image files (n,),
    brings each to the network's size, and returns ``probabilities`` and ``label``, the name of the likeliest class.

    A version is written beside its place and renamed, so that no server ever finds half of one.

    Args:
        model: Takes pixels from 0 to 255 and returns logits, or probabilities where it ends with a softmax.
        folder: The model's folder, such as ``models/flowers``; it is made where there is none.
        class_names: One for each output of the network.
        image_shape: Height, width and channels; by default the network's own.
        version: Its number; by default the next one.
        litert: Write ``model.tflite`` as well, of this kind (:func:`cnn_course.quantization.convert`).
        representative: Images for the kind ``"int8"``.

    Raises:
        ServingError: The version exists, the folder cannot be written, or the network does not fit the description.
    """
    shape = _image_shape(model, image_shape)
    outputs = model.output_shape
    if not (isinstance(outputs, tuple) and len(outputs) == 2 and outputs[1] == len(class_names)):
        raise ServingError(
            f"The network's outputs have the shape {outputs}, and there are {len(class_names)} class names; a "
            "classifier has one output for each. Give the names of its classes."
        )
    if version is not None and (folder / str(version)).exists():
        raise ServingError(f"{folder} has a version {version} already. Give another number, or none for the next one.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".writing.{os.getpid()}"
        shutil.rmtree(part, ignore_errors=True)
        try:
            _write(model, part, shape, class_names)
            if litert is not None:
                content = quantization.convert(_of_shape(model, shape), litert, representative=representative)
                (part / "model.tflite").write_bytes(content)
            return _renamed(part, folder, version)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise ServingError(f"The model cannot be written to {folder}: {error.strerror or error}.") from error


def preparation(image_shape: tuple[int, int, int]) -> Callable[[Any], Any]:
    """Return a function of TensorFlow that turns an image file (PNG, JPEG, GIF or BMP) into pixels of that shape.

    The file is decoded and brought to the size, as float32 from 0 to 255. A pixel of a smaller image is a weighted mean
    of the larger one's that reaches a little into the neighbouring pixels (anti-aliasing).
    """
    height, width, channels = image_shape

    def prepare(image_bytes: Any) -> Any:
        image = tf.io.decode_image(image_bytes, channels=channels, expand_animations=False)
        image.set_shape((None, None, channels))
        return tf.ensure_shape(tf.image.resize(image, (height, width), antialias=True), image_shape)

    return prepare


def class_names(version_folder: Path) -> list[str]:
    """Return the names of the classes of an exported version.

    Raises:
        ServingError: It was not written by :func:`export`.
    """
    file = version_folder / EXTRA / "classes.json"
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ServingError(f"{version_folder} holds no names of classes; export the network anew.") from error


def _write(model: keras.Model, folder: Path, shape: tuple[int, int, int], names: Sequence[str]) -> None:
    finish = (lambda values: values) if _ends_with_softmax(model) else keras.ops.softmax
    labels, prepare = tf.constant(list(names)), preparation(shape)

    def probabilities(images: Any) -> Any:
        return tf.cast(finish(model(tf.cast(images, tf.float32), training=False)), tf.float32)

    def of_images(images: Any) -> dict[str, Any]:
        return {"probabilities": probabilities(images)}

    def of_files(image_bytes: Any) -> dict[str, Any]:
        images = tf.map_fn(prepare, image_bytes, fn_output_signature=tf.TensorSpec(shape, tf.float32))
        found = probabilities(images)
        return {"probabilities": found, "label": tf.gather(labels, tf.argmax(found, axis=1))}

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", of_images, [tf.TensorSpec((None, *shape), tf.uint8, name="images")])
    archive.add_endpoint("files", of_files, [tf.TensorSpec((None,), tf.string, name="image_bytes")])
    with startup.standard_error_set_aside():
        archive.write_out(str(folder), verbose=False)
    extra = folder / EXTRA
    extra.mkdir(exist_ok=True)
    (extra / "classes.json").write_text(json.dumps(list(names)), encoding="utf-8")


def _renamed(part: Path, folder: Path, version: int | None) -> Path:
    """Give a written version its number; the next one where another process took it meanwhile."""
    number = version if version is not None else max(version_folders(folder), default=0) + 1
    while True:
        try:
            return part.rename(folder / str(number))
        except OSError:
            if version is not None or not (folder / str(number)).exists():
                raise
            number += 1


def _image_shape(model: keras.Model, given: tuple[int, int, int] | None) -> tuple[int, int, int]:
    taken = model.input_shape
    if not isinstance(taken, tuple) or len(taken) != 4:
        raise ServingError(
            f"The network takes inputs of the shape {taken}, and no images (n, height, width, channels)."
        )
    shape = tuple(given or taken[1:])
    fits = len(shape) == 3 and all(own in (None, side) for own, side in zip(taken[1:], shape, strict=True))
    if not fits or None in shape:
        raise ServingError(f"The network takes images of the shape {taken[1:]}; give an image_shape with every side.")
    return shape


def _of_shape(model: keras.Model, shape: tuple[int, int, int]) -> keras.Model:
    """Return the model for images of one size, as the converter to LiteRT needs it."""
    if model.input_shape[1:] == shape:
        return model
    inputs = keras.Input(shape)
    return keras.Model(inputs, model(inputs))


def _ends_with_softmax(model: keras.Model) -> bool:
    last = model.layers[-1]
    return isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax
