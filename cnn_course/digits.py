"""The recipes of lesson 02: which network reads handwritten digits, and how it is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from cnn_course import datasets, models, training


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained, in plain values, so that a results file can hold it.

    Attributes:
        network: The name of a function in :mod:`cnn_course.models`.
        arguments: That function's keyword arguments.
        epochs: Passes over the training images.
        batch_size: Images in one step.
        peak_rate: Adam's learning rate at the top of the triangle.
        augmentation: Whether each image is moved by :func:`cnn_course.training.random_affine` in each epoch.
    """

    network: str
    arguments: dict[str, Any]
    epochs: int
    batch_size: int
    peak_rate: float
    augmentation: bool = False


# The recipes of lesson 02, chosen by 10,000 of MNIST's training images held out. The first three are compared with each
# other, and have everything but the network in common.
RECIPES = {
    "MLP": Recipe("mlp", {"units": (512, 256)}, 6, 128, 2e-3),
    "CNN, as large": Recipe("small_cnn", {"input_shape": (28, 28, 1), "widths": (16, 32), "units": 336}, 6, 128, 2e-3),
    "CNN, as good": Recipe("averaging_cnn", {"stages": ((8,), (12,), (16,))}, 6, 128, 2e-3),
    "compact": Recipe("averaging_cnn", {"stages": ((8, 16), (16, 16), (20,))}, 12, 128, 1e-2, True),
    "fast": Recipe("averaging_cnn", {"stages": ((16, 32), (32,), (64,))}, 9, 128, 5e-3, True),
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
        augment=training.RandomAffine(seed=seed) if recipe.augmentation else None,
        seed=seed,
        callbacks=callbacks,
    )
    return model, history
