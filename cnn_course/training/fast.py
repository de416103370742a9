"""The fast recipe: a good CIFAR-10 classifier in minutes on two processor cores. Derived in lesson 04, step by step.

K. Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", arXiv 2404.00498, is the source of its
initialisation, of the alternating flip and of the shape of its schedule; small images in the first epochs are the
course's own choice for a processor, where the work per image counts.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from cnn_course import datasets, models
from cnn_course.training.augmentation import batch_at
from cnn_course.training.initialisation import initialise_identity, initialise_whitening
from cnn_course.training.losses import SmoothedCrossentropy
from cnn_course.training.optimisers import Muon
from cnn_course.training.schedules import TriangularSchedule
from cnn_course.training.state import build_state

# For compile: XLA is slower with TensorFlow on every processor that was tried; JAX knows nothing else.
JIT_COMPILE = "auto" if keras.backend.backend() == "jax" else False


@dataclass(frozen=True)
class FastRecipe:
    """How a fast network is trained, in plain values, so that a results file can hold it.

    Attributes:
        widths: Channels of the network's blocks.
        epochs: Passes over the training images.
        small_epochs: How many of them, the first ones, see the images at ``small_size``.
        small_size: Height and width of the small images.
        batch_size: Images in one step.
        optimiser: ``"muon"`` (:class:`Muon`), or ``"sgd"``: Nesterov momentum with one rate, ``kernel_rate``, for all.
        kernel_rate: Peak of the learning rate of the convolutions' kernels.
        head_rate: Peak of Muon's learning rate of the last layer, for batches of 1,000 images. It is made smaller with
            the batch, so that each image counts alike.
        bias_rate: The same of the normalisations' shifts.
        warmup: Fraction of the steps before the peak.
        smoothing: Share of the target that is spread over all classes.
        shift: Pixels by which images are moved at most.
        alternating: Whether images are mirrored by turns rather than at random.
        whitening: Whether the first layer whitens from the beginning, and keeps its kernel.
        identity: Whether the convolutions copy their input at first.
        dtype: ``"mixed_bfloat16"``, ``"mixed_float16"`` (then the loss is scaled, lesson 06), or ``"float32"``.
    """

    widths: tuple[int, ...] = (64, 256, 256)
    epochs: int = 8
    small_epochs: int = 0
    small_size: int = 24
    batch_size: int = 500
    optimiser: Literal["muon", "sgd"] = "muon"
    kernel_rate: float = 0.12
    head_rate: float = 1.5
    bias_rate: float = 53.0
    warmup: float = 0.1
    smoothing: float = 0.2
    shift: int = 2
    alternating: bool = True
    whitening: bool = True
    identity: bool = True
    dtype: str = "mixed_bfloat16"

    def __post_init__(self) -> None:
        """Refuse an optimiser that there is none of."""
        if self.optimiser not in ("muon", "sgd"):
            raise ValueError(f"optimiser is {self.optimiser!r}; it must be 'muon' or 'sgd'.")


# Chosen on held-out training images of CIFAR-10, with the widths of "five minutes": the kernel rate (0.08 and 0.12 are
# equally good; 0.055 and 0.24 are worse), Muon's momentum (0.6; 0.85 is worse), the shift (2; 3 is no better) and the
# first layer without a bias that learns (0.5 points better than with one, in one seed). Weight decay on the head and
# the shifts made no difference. The other rates are those of the sources. Epochs follow from the time that the name
# allows and the speed of two processor cores with AVX512-BF16; the small networks are given more, which they need and
# which cost them less.
FAST_RECIPES = {
    "five minutes": FastRecipe(widths=(32, 128, 128), epochs=9, small_epochs=4),
    "twenty minutes": FastRecipe(widths=(64, 256, 256), epochs=13, small_epochs=6),
    "300,000 weights": FastRecipe(widths=(32, 96, 96), epochs=30, small_epochs=12),
    "80,000 weights": FastRecipe(widths=(16, 48, 48), epochs=50, small_epochs=20),
}


def train_fast(
    recipe: FastRecipe,
    train: datasets.Dataset,
    *,
    seed: int = 0,
    validation: datasets.Dataset | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Build the network of a recipe, train it, and return it with its history (:func:`fit_recipe`).

    The first weights follow ``keras.utils.set_random_seed``.
    """
    began = time.perf_counter()
    model = fast_model(recipe, train)
    before = time.perf_counter() - began
    history = fit_recipe(model, recipe, train, seed=seed, validation=validation, callbacks=callbacks)
    history["seconds"][0] += before
    return model, history


def fast_model(recipe: FastRecipe, train: datasets.Dataset) -> keras.Model:
    """Return the network of a recipe for these images, initialised and not yet trained."""
    model = models.fast_network(
        (None, None, train.image_shape[-1]), len(train.class_names), widths=recipe.widths, dtype=recipe.dtype
    )
    if recipe.whitening:
        initialise_whitening(model, train.images)
    else:
        model.get_layer("whitening").kernel.trainable = True
    if recipe.identity:
        initialise_identity(model)
    return model


def fit_recipe(
    model: keras.Model,
    recipe: FastRecipe,
    train: datasets.Dataset,
    *,
    seed: int = 0,
    validation: datasets.Dataset | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    batches: Callable[..., tf.data.Dataset] | None = None,
) -> dict[str, list[float]]:
    """Train any classifier that returns logits as the recipe says, and return its history.

    Besides Keras' measures the history holds ``seconds``, those of each epoch without its validation, the first one
    with the compilation. ``seed`` is that of the order of the images and of their augmentation. ``batches`` is taken in
    the place of :func:`recipe_batches`, with the same arguments.
    """
    began = time.perf_counter()
    steps = datasets.steps_in_epoch(len(train), recipe.batch_size)
    model.compile(
        recipe_optimiser(recipe, recipe.epochs * steps),
        SmoothedCrossentropy(recipe.smoothing),
        metrics=["accuracy"],
        jit_compile=JIT_COMPILE,
    )
    build_state(model, len(train.class_names))
    clock = _EpochSeconds(began)
    history: dict[str, list[float]] = {}
    for first, last, images in _stages(recipe, train):
        stage = model.fit(
            (batches or recipe_batches)(recipe, images, train.labels, steps=(first * steps, last * steps), seed=seed),
            validation_data=datasets.batches(validation, 500) if validation else None,
            initial_epoch=first,
            epochs=last,
            steps_per_epoch=steps,
            shuffle=False,  # the pipeline shuffles
            verbose=0,
            callbacks=[clock, *callbacks],
        ).history
        history = {name: history.get(name, []) + values for name, values in stage.items()}
        if model.stop_training:  # a callback has had enough
            break
    return {**history, "seconds": clock.seconds}


def recipe_optimiser(recipe: FastRecipe, steps: int) -> keras.optimizers.Optimizer:
    """Return the recipe's optimiser for a training of so many steps."""
    rate = TriangularSchedule(recipe.kernel_rate, steps, warmup=recipe.warmup)
    if recipe.optimiser == "sgd":
        optimiser = keras.optimizers.SGD(rate, momentum=0.85, nesterov=True, weight_decay=5e-4)
    else:
        of_kernel_rate = recipe.batch_size / 1000 / recipe.kernel_rate
        optimiser = Muon(
            rate, matrix_rate=recipe.head_rate * of_kernel_rate, vector_rate=recipe.bias_rate * of_kernel_rate
        )
    if recipe.dtype == "mixed_float16":
        # Keras does so by itself only where the policy is that of the whole model, not where layers have their own.
        return keras.optimizers.LossScaleOptimizer(optimiser)
    return optimiser


def recipe_batches(
    recipe: FastRecipe, images: np.ndarray, labels: np.ndarray, *, steps: tuple[int, int], seed: int = 0
) -> tf.data.Dataset:
    """Return the batches that a recipe shows from step ``steps[0]`` to before step ``steps[1]`` of its training.

    Each image is mirrored and moved as the recipe says (:func:`cnn_course.training.batch_at`); ``seed`` is that of the
    order and of the augmentation.
    """
    images, labels = tf.constant(images), tf.constant(labels)

    def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return batch_at(
            step,
            images,
            labels,
            batch_size=recipe.batch_size,
            seed=seed,
            shift=recipe.shift,
            alternating=recipe.alternating,
        )

    return datasets.without_tuner(tf.data.Dataset.range(*steps).map(batch).prefetch(2))


class _EpochSeconds(keras.callbacks.Callback):
    """Note how long each epoch took without its validation, the first with what came before it."""

    def __init__(self, began: float) -> None:
        super().__init__()
        self._began = began
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self.seconds:
            self._began = time.perf_counter()
        self._ended = None

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._ended = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.seconds.append((self._ended or time.perf_counter()) - self._began)


def _stages(recipe: FastRecipe, train: datasets.Dataset) -> list[tuple[int, int, np.ndarray]]:
    """Return (first epoch, epoch after the last, images) of the epochs with small and of those with whole images."""
    small = min(recipe.small_epochs, recipe.epochs)
    stages = []
    if small:
        stages.append((0, small, _shrunk(train.images, recipe.small_size)))
    if small < recipe.epochs:
        stages.append((small, recipe.epochs, train.images))
    return stages


def _shrunk(images: np.ndarray, size: int) -> np.ndarray:
    """Return the images at ``size`` by ``size`` pixels, smoothed before they are sampled; uint8."""
    parts = [
        tf.saturate_cast(
            tf.round(tf.image.resize(images[at : at + 2000], (size, size), antialias=True)), tf.uint8
        ).numpy()
        for at in range(0, len(images), 2000)
    ]
    return np.concatenate(parts)
