"""The recipes of lesson 02: which network reads handwritten digits, how it is trained, how the digits are moved."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from cnn_course import datasets, models, training


def random_affine(
    images: tf.Tensor, seed: Any, *, shift: float = 1.0, degrees: float = 8.0, zoom: float = 0.08
) -> tf.Tensor:
    """Return the images, each turned, scaled and moved at random about its middle; what moves in is black.

    The angle is drawn from ±``degrees``, the scale from 1 ± ``zoom``, the move along each axis from ±``shift`` pixels,
    each evenly. The three make one affine map, so that each image (n, height, width, channels; float32) is interpolated
    only once, bilinearly. A pure function: the same two-number ``seed`` gives the same result.
    """
    count, middle_y, middle_x = tf.shape(images)[0], (images.shape[1] - 1) / 2, (images.shape[2] - 1) / 2
    angle, scale, right, down = tf.unstack(tf.random.stateless_uniform([4, count], seed, -1, 1))
    angle, scale = angle * math.radians(degrees), 1 + scale * zoom
    # The map goes from a place in the result to the place in the image where its value is found.
    cosine, sine, nothing = tf.cos(angle) / scale, tf.sin(angle) / scale, tf.zeros_like(angle)
    offset_x = middle_x + right * shift - cosine * middle_x + sine * middle_y
    offset_y = middle_y + down * shift - sine * middle_x - cosine * middle_y
    maps = tf.stack([cosine, -sine, offset_x, sine, cosine, offset_y, nothing, nothing], axis=1)
    return keras.ops.image.affine_transform(images, maps, interpolation="bilinear", fill_mode="constant")


class RandomAffine:
    """:func:`random_affine` as the ``augment`` of :func:`cnn_course.datasets.batches`: new draws for every batch."""

    def __init__(self, *, shift: float = 1.0, degrees: float = 8.0, zoom: float = 0.08, seed: int = 0) -> None:
        self.amounts = {"shift": shift, "degrees": degrees, "zoom": zoom}
        self._seeds = keras.random.SeedGenerator(seed)

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Return one augmented batch."""
        return random_affine(images, self._seeds.next(), **self.amounts)


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained, in plain values, so that a results file can hold it.

    Attributes:
        network: The name of a function in :mod:`cnn_course.models`.
        arguments: That function's keyword arguments.
        epochs: Passes over the training images.
        batch_size: Images in one step.
        peak_rate: Adam's learning rate at the top of the triangle.
        augmentation: Whether each image is moved by :func:`random_affine` in each epoch.
    """

    network: str
    arguments: dict[str, Any]
    epochs: int
    batch_size: int
    peak_rate: float
    augmentation: bool = False


# Chosen by 10,000 of MNIST's training images held out, and by their speed. The first three are compared with each
# other: same epochs, same batches, no augmentation, and for each network the learning rate that suits it.
RECIPES = {
    "MLP": Recipe("mlp", {"units": (512, 256)}, 6, 128, 2e-3),
    "CNN as large": Recipe("small_cnn", {"input_shape": (28, 28, 1), "widths": (16, 32), "units": 336}, 6, 128, 2e-3),
    "CNN as good": Recipe("averaging_cnn", {"stages": ((8,), (16,), (24,))}, 6, 128, 2e-2),
    "compact": Recipe(
        "averaging_cnn", {"stages": ((8, 16), (16, 16), (24,)), "padding": "valid"}, 12, 128, 1e-2, augmentation=True
    ),
    "fast": Recipe(
        "averaging_cnn", {"stages": ((10, 20), (32, 32), (64,)), "padding": "valid"}, 7, 128, 1e-2, augmentation=True
    ),
}


def train_recipe(
    recipe: Recipe,
    train: datasets.Dataset,
    *,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Build the network, train it with :func:`cnn_course.training.train_one_cycle`, return it with its history.

    ``epochs`` and ``batch_size`` take the place of the recipe's own. The initial weights follow
    ``keras.utils.set_random_seed``.
    """
    model = getattr(models, recipe.network)(**recipe.arguments)
    history = training.train_one_cycle(
        model,
        train,
        epochs=epochs or recipe.epochs,
        batch_size=batch_size or recipe.batch_size,
        peak_rate=recipe.peak_rate,
        augment=RandomAffine(seed=seed) if recipe.augmentation else None,
        seed=seed,
        callbacks=callbacks,
    )
    return model, history
