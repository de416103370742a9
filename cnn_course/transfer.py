"""Networks that somebody else has trained: their features, a new head on top, fine-tuning. Derived in lesson 05."""

import contextlib
import hashlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from tqdm import tqdm

from cnn_course import lesson, models
from cnn_course.datasets import Dataset, batches, impatient_network, steps_in_epoch, without_tuner
from cnn_course.files import replacing
from cnn_course.training import JIT_COMPILE, SmoothedCrossentropy, TriangularSchedule, batch_at, build_state

OFFLINE = "efficientnet_lite0"
# Height and width at which a network was trained, where it is not 224 (the documentation of keras.applications).
TRAINED_SIZES = {
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2S": 384,
    "EfficientNetV2M": 480,
    "EfficientNetV2L": 480,
    "InceptionResNetV2": 299,
    "InceptionV3": 299,
    "NASNetLarge": 331,
    "Xception": 299,
}


@dataclass(frozen=True)
class Backbone:
    """A network that was trained on ImageNet, without its head.

    Attributes:
        name: As given to :func:`backbone`.
        image_size: Height and width of the images it takes.
        weights: ``"imagenet"`` or ``"random"``.
        model: Takes pixels from 0 to 255, (n, image_size, image_size, 3), which it preprocesses itself, and returns
            maps (n, height, width, channels).
    """

    name: str
    image_size: int
    weights: str
    model: keras.Model

    @cached_property
    def pooled(self) -> keras.Model:
        """The network with the mean over height and width of its maps as output, (n, channels): the features.

        One model for all sets of images, since Keras compiles the first call of each.
        """
        return keras.Model(self.model.input, layers.GlobalAveragePooling2D()(self.model.output))

    def checksum(self) -> str:
        """Return the SHA-256 of the weights as they are now, in hexadecimal."""
        digest = hashlib.sha256()
        for value in self.model.get_weights():
            digest.update(np.ascontiguousarray(value).data)
        return digest.hexdigest()


def backbone_names() -> tuple[str, ...]:
    """Return the names that :func:`backbone` knows: the one that needs no network first, then keras.applications'."""
    return (OFFLINE, *_applications())


def backbone(name: str = OFFLINE, *, image_size: int | None = None, weights: str = "imagenet") -> Backbone:
    """Return an ImageNet network without its head, its own preprocessing included.

    Every network of keras.applications wants other numbers: pixels from -1 to 1, from 0 to 255 with the colours in
    another order and their means subtracted, or as they are. Here all take pixels from 0 to 255.

    Args:
        name: ``"efficientnet_lite0"``, or the name of a function of ``keras.applications`` such as ``"VGG16"``,
            ``"InceptionV3"``, ``"MobileNetV2"``, ``"EfficientNetB0"``. Upper and lower case are the same.
        image_size: Height and width of the images; by default those of the network's training.
        weights: ``"imagenet"``; or ``"random"``, for comparison.

    Raises:
        ValueError: There is no such network, or it cannot take so small an image.
        WeightsUnavailable: The weights are not on this machine and cannot be downloaded.
    """
    if weights not in ("imagenet", "random"):
        raise ValueError(f"weights is {weights!r}; it must be 'imagenet' or 'random'.")
    stored = "imagenet" if weights == "imagenet" else None
    known = {each.lower(): each for each in backbone_names()}
    if name.lower() not in known:
        raise ValueError(f"There is no backbone {name!r}. Known are {', '.join(known.values())}.")
    name = known[name.lower()]
    size = image_size or TRAINED_SIZES.get(name, 224)
    if name == OFFLINE:
        model = models.efficientnet_lite0((size, size, 3), include_top=False, weights=stored)
        return Backbone(name, size, weights, model)
    construct, module = _applications()[name]

    def built(stored: str | None) -> keras.Model:
        pixels = module.preprocess_input(keras.Input((size, size, 3)))
        return construct(include_top=False, weights=stored, input_tensor=pixels, input_shape=(size, size, 3))

    try:
        with impatient_network():
            model = built(stored)
    except Exception as error:  # what a failed download raises has no type of its own
        if isinstance(error, ValueError):
            built(None)  # too small an image is refused here as well, in Keras' own words; a broken download is not
        reason = str(error).strip() or type(error).__name__
        raise models.WeightsUnavailable(
            f"The ImageNet weights of {name} are not on this machine and could not be downloaded "
            f"({reason.splitlines()[0]}). What helps: connect to the network; or use the backbone "
            f"{OFFLINE!r}, whose weights come with the course's packages."
        ) from error
    return Backbone(name, size, weights, model)


@cache
def _applications() -> dict[str, tuple[Callable[..., keras.Model], ModuleType]]:
    """Return the networks of keras.applications by name, each with the module of its preprocessing."""
    return {
        name: (construct, sys.modules[construct.__module__])
        for name, construct in vars(keras.applications).items()
        if inspect.isfunction(construct) and "include_top" in inspect.signature(construct).parameters
    }


def resized(pipeline: tf.data.Dataset, image_size: int) -> tf.data.Dataset:
    """Return a pipeline of (images, labels) whose images are enlarged or shrunk, bilinearly, in the pipeline."""
    side = pipeline.element_spec[0].shape[1]
    shrinks = side is None or image_size < side  # only then is there something to smooth, which is slow
    size = (image_size, image_size)
    return pipeline.map(lambda images, labels: (tf.image.resize(images, size, antialias=shrinks), labels))


def features(
    backbone: Backbone, dataset: Dataset, *, batch_size: int = 50, folder: Path | None = None, progress: bool = True
) -> np.ndarray:
    """Return the mean over height and width of the backbone's maps for each image, from the cache where it has them.

    Args:
        backbone: The network; it is used in inference mode.
        dataset: Images of any size, greyscale or colour.
        batch_size: Images in one call.
        folder: Of the cache; by default ``features`` in the user's cache folder of the course.
        progress: Whether a bar shows how far it is.

    Returns:
        (n, channels), float16: half the space, and more digits than a classifier can use.

    A file is found again by network, size, weights and data: a backbone that was fine-tuned has features of its own.
    Random weights are another network each time, so that their features are not kept.
    """
    folder = lesson.cache_folder() / "features" if folder is None else folder
    key = f"{backbone.name}_{backbone.image_size}_{backbone.checksum()[:8]}_{dataset.checksum[:16]}.npy"
    keep = backbone.weights != "random"
    if keep and (folder / key).exists():
        with contextlib.suppress(OSError, ValueError, EOFError):  # half a file is none: it is computed anew
            return np.load(folder / key, allow_pickle=False)
    pipeline = resized(_colour(batches(dataset, batch_size, cache=False)), backbone.image_size)
    found, done = np.zeros((len(dataset), backbone.pooled.output_shape[-1]), "float16"), 0
    with tqdm(total=len(dataset), unit="image", desc=f"features of {backbone.name}", disable=not progress) as bar:
        for images, _ in pipeline.prefetch(2):
            found[done : done + len(images)] = backbone.pooled.predict_on_batch(images)
            done += len(images)
            bar.update(len(images))
    if keep:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / key) as part, part.open("wb") as stream:
            np.save(stream, found, allow_pickle=False)
    return found


def head(of_features: np.ndarray, labels: np.ndarray, classes: int, *, steps: int = 400) -> layers.Dense:
    """Return a dense layer that gives the logits of ``classes`` classes from features (n, channels).

    Multinomial logistic regression: gradient descent with momentum 0.97 on the cross-entropy of all images at once, at
    a rate that follows the length of the features. The weights begin at zero. Their gradient is a weighted sum
    of training features, so that a direction perpendicular to all of these never gets one, and there are many such
    directions where the features outnumber the images. Random weights would stay there as noise, which costs much where
    labels are few.
    """
    layer = layers.Dense(classes, name="logits", dtype="float32")
    layer.build((None, of_features.shape[1]))
    targets = np.eye(classes, dtype="float32")[labels]
    layer.set_weights([value.numpy() for value in _descend(of_features.astype("float32"), targets, steps)])
    return layer


@tf.function(input_signature=(tf.TensorSpec((None, None)), tf.TensorSpec((None, None)), tf.TensorSpec((), tf.int32)))
def _descend(rows: tf.Tensor, targets: tf.Tensor, steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the weights and biases of :func:`head`; the targets are one-hot rows."""
    kernel = tf.zeros((tf.shape(rows)[1], tf.shape(targets)[1]))
    bias = tf.zeros(tf.shape(targets)[1])
    kernel_velocity, bias_velocity = tf.zeros_like(kernel), tf.zeros_like(bias)
    images = tf.cast(tf.shape(rows)[0], tf.float32)
    rate = 2 / tf.reduce_mean(tf.reduce_sum(rows**2, axis=1))
    bias_rate = tf.minimum(rate, 2.0)  # the bias is the weight of a feature of length 1
    for _ in tf.range(steps):
        error = (tf.nn.softmax(rows @ kernel + bias) - targets) / images
        kernel_velocity = 0.97 * kernel_velocity - rate * tf.matmul(rows, error, transpose_a=True)
        bias_velocity = 0.97 * bias_velocity - bias_rate * tf.reduce_sum(error, axis=0)
        kernel += kernel_velocity
        bias += bias_velocity
    return kernel, bias


def classifier(backbone: Backbone, top: layers.Dense) -> keras.Model:
    """Return backbone, mean over height and width, and ``top`` as one flat model; all but the top is frozen."""
    backbone.model.trainable = False
    pooled = layers.GlobalAveragePooling2D(name="mean_of_maps")(backbone.model.output)
    return keras.Model(backbone.model.input, top(pooled), name=f"{backbone.name}_classifier")


def unfreeze(model: keras.Model) -> None:
    """Let all layers learn but batch normalisation, which keeps the averages of its first training (inference mode).

    A batch of few images of another kind has other averages: in training mode the first steps would normalise by
    them, and all features that the network has learned would change at once.
    """
    for layer in model.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)


def fine_tune(
    model: keras.Model,
    train: Dataset,
    *,
    epochs: int = 2,
    batch_size: int = 50,
    rate: float = 2e-4,
    shift: int = 2,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Train all that is not frozen at a rate that rises and falls to zero, and return the history.

    The images are mirrored and moved at their own size (:func:`cnn_course.training.batch_at`) and then resized to that
    of the model's input.

    Args:
        model: As :func:`classifier` and :func:`unfreeze` leave it.
        train: The images; a last batch that is smaller is left out of each epoch.
        epochs: Passes over them.
        batch_size: Images in one step.
        rate: Peak of AdamW's learning rate: small, since the weights are good already.
        shift: Pixels by which the images are moved at most.
        seed: Of the order and of the augmentation.
        callbacks: For ``fit``.
    """
    steps = steps_in_epoch(len(train), batch_size)
    images, labels = tf.constant(train.images), tf.constant(train.labels)
    pipeline = tf.data.Dataset.range(epochs * steps).map(
        lambda step: batch_at(step, images, labels, batch_size=batch_size, seed=seed, shift=shift)
    )
    model.compile(
        keras.optimizers.AdamW(TriangularSchedule(rate, epochs * steps), weight_decay=1e-2),
        SmoothedCrossentropy(0.1),
        metrics=["accuracy"],
        jit_compile=JIT_COMPILE,
    )
    build_state(model, len(train.class_names))
    return model.fit(
        without_tuner(resized(_colour(pipeline), model.input_shape[1]).prefetch(2)),
        epochs=epochs,
        steps_per_epoch=steps,
        shuffle=False,  # the pipeline shuffles
        verbose=0,
        callbacks=list(callbacks),
    ).history


def accuracy(model: keras.Model, dataset: Dataset, *, batch_size: int = 50) -> float:
    """Return the share of the images that the model gets right; they are resized to its input."""
    pipeline = resized(_colour(batches(dataset, batch_size, cache=False)), model.input_shape[1])
    logits = model.predict(pipeline, verbose=0)
    return float((logits.argmax(axis=1) == dataset.labels).mean())


def _colour(pipeline: tf.data.Dataset) -> tf.data.Dataset:
    """Return a pipeline of (images, labels) whose grey images have three equal channels."""
    if pipeline.element_spec[0].shape[-1] == 3:
        return pipeline
    return pipeline.map(lambda images, labels: (tf.repeat(images, 3, axis=-1), labels))
