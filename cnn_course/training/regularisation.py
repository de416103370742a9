"""The recipe of lesson 03: one cycle of Adam, and what is done against overfitting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from cnn_course import datasets, models
from cnn_course.training.augmentation import FlipAndShift
from cnn_course.training.losses import SmoothedCrossentropy
from cnn_course.training.schedules import TriangularSchedule
from cnn_course.training.state import build_state


@dataclass(frozen=True)
class Regularisation:
    """What is done against overfitting in one run: everything off by default.

    Attributes:
        l2: Factor of the squared weights in the loss, of every convolution and dense layer's kernel.
        dropout: Probability with which a unit before the last layer is set to zero while training.
        batch_norm: Batch normalisation after every convolution.
        augmentation: :func:`flip_and_shift` by up to two pixels.
        label_smoothing: The share of the target that is spread evenly over all classes.
    """

    l2: float = 0.0
    dropout: float = 0.0
    batch_norm: bool = False
    augmentation: bool = False
    label_smoothing: float = 0.0


# The usual textbook strength of each, not tuned.
ABLATION = {
    "none": Regularisation(),
    "L2": Regularisation(l2=5e-4),
    "dropout": Regularisation(dropout=0.5),
    "batch norm": Regularisation(batch_norm=True),
    "augmentation": Regularisation(augmentation=True),
    "label smoothing": Regularisation(label_smoothing=0.1),
    "all together": Regularisation(5e-4, 0.5, True, True, 0.1),
}


def train_regularised(
    train: datasets.Dataset,
    validation: datasets.Dataset,
    regularisation: Regularisation,
    *,
    epochs: int,
    batch_size: int,
    peak_rate: float = 1e-3,
    seed: int = 0,
    **network: Any,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Train :func:`cnn_course.models.small_cnn` with one kind of regularisation; return it and its history.

    The history maps the name of each measure (``"val_accuracy"``) to its value in each epoch. The training is that of
    :func:`train_one_cycle`; the first weights follow ``keras.utils.set_random_seed``. ``network`` goes to ``small_cnn``
    (``widths``, ``units``).
    """
    model = models.small_cnn(
        train.image_shape,
        len(train.class_names),
        l2=regularisation.l2,
        dropout=regularisation.dropout,
        batch_norm=regularisation.batch_norm,
        **network,
    )
    history = train_one_cycle(
        model,
        train,
        epochs=epochs,
        batch_size=batch_size,
        peak_rate=peak_rate,
        augment=FlipAndShift(seed=seed) if regularisation.augmentation else None,
        smoothing=regularisation.label_smoothing,
        seed=seed,
        validation=validation,
    )
    return model, history


def train_one_cycle(
    model: keras.Model,
    train: datasets.Dataset,
    *,
    epochs: int,
    batch_size: int,
    peak_rate: float,
    augment: Any = None,
    smoothing: float = 0.0,
    seed: int = 0,
    validation: datasets.Dataset | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Train a classifier that returns logits with Adam on one triangular cycle, and return the history.

    ``augment`` is that of :func:`cnn_course.datasets.batches`, ``smoothing`` that of :class:`SmoothedCrossentropy`,
    ``seed`` that of the order of the images. Images of ``validation`` are only watched. Derived in lesson 02.
    """
    pipeline = datasets.batches(train, batch_size, shuffle=seed, augment=augment)
    model.compile(
        keras.optimizers.Adam(TriangularSchedule(peak_rate, epochs * len(pipeline))),
        SmoothedCrossentropy(smoothing),
        metrics=["accuracy"],
        jit_compile=False,  # slower here on every processor that was tried
    )
    build_state(model, len(train.class_names))
    return model.fit(
        pipeline,
        validation_data=datasets.batches(validation, 500) if validation else None,
        epochs=epochs,
        shuffle=False,  # the pipeline shuffles
        verbose=0,
        callbacks=list(callbacks),
    ).history
