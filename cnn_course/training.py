"""How the course trains: what a run prints, its learning-rate schedule, fast augmentation, regularisation, rates.

Everything here serves ``keras.Model.fit``; nothing replaces it. Derived in lesson 03.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from cnn_course import datasets, models


class EpochLog(keras.callbacks.Callback):
    """Print one compact line for each epoch; for ``fit(verbose=0)``.

    ``epoch  3/12  loss 0.123  accuracy 0.971  val_accuracy 0.978  4.1 s``

    Args:
        every: Print every ``every``-th epoch, and always the last one.
        label: A word before each line, to tell several runs apart.

    After training ``seconds`` holds the duration of each epoch in seconds, its validation included.
    """

    def __init__(self, *, every: int = 1, label: str = "") -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every is {every}; it counts epochs and must be at least 1.")
        self.every = every
        self.label = label
        self.seconds: list[float] = []
        self._began = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forget the durations of an earlier ``fit``."""
        self.seconds = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Note the time."""
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Print the epoch's line."""
        self.seconds.append(time.perf_counter() - self._began)
        epochs = self.params.get("epochs") or epoch + 1
        if (epoch + 1) % self.every and epoch + 1 != epochs:
            return
        # The rate is scheduled, not measured, and the validation loss would make the line too long for a narrow screen.
        hidden = ("learning_rate", "val_loss")
        values = [f"{name} {value:.3f}" for name, value in (logs or {}).items() if name not in hidden]
        # The order of Keras' logs is alphabetical; a reader looks for the loss first.
        values.sort(key=lambda text: (text.startswith("val_"), not text.startswith("loss")))
        counter = f"epoch {epoch + 1:>{len(str(epochs))}}/{epochs}"
        print("  ".join([*filter(None, [self.label]), counter, *values, f"{self.seconds[-1]:.1f} s"]), flush=True)


class StepRate(keras.callbacks.Callback):
    """Measure how many steps a second ``fit`` makes, its first ``skip`` steps not counted.

    The first steps trace and optimise the computation and fill the shuffle buffer.
    """

    def __init__(self, *, skip: int = 3) -> None:
        super().__init__()
        if skip < 1:
            raise ValueError(f"skip is {skip}; at least the first step must be left out.")
        self.skip = skip
        self._steps = 0
        self._began = self._ended = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Begin to count anew."""
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count one step."""
        self._steps += 1
        self._ended = time.perf_counter()
        if self._steps == self.skip:
            self._began = self._ended

    @property
    def steps_per_second(self) -> float:
        """The rate of the last ``fit``."""
        if self._steps <= self.skip:
            raise ValueError(f"There were {self._steps} steps, of which {self.skip} are not counted: train for longer.")
        return (self._steps - self.skip) / (self._ended - self._began)


@keras.saving.register_keras_serializable("cnn_course")
class TriangularSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly to its peak and falls linearly to (almost) zero: one cycle.

    The rate starts at ``start * peak``, reaches ``peak`` after ``warmup * steps`` steps, and ends at ``end * peak``
    after ``steps`` steps, where it stays (the one-cycle policy of Smith and Topin 2017, arXiv 1708.07120, without the
    cycle of the momentum).

    Args:
        peak: The largest learning rate.
        steps: Optimiser steps of the whole training: epochs times batches in an epoch.
        warmup: The fraction of the steps before the peak, above 0 and below 1.
        start: The first rate as a fraction of ``peak``.
        end: The last rate as a fraction of ``peak``.
    """

    def __init__(self, peak: float, steps: int, *, warmup: float = 0.25, start: float = 0.1, end: float = 0.0) -> None:
        if peak <= 0 or steps < 1:
            raise ValueError(f"peak is {peak} and steps is {steps}; both must be positive.")
        if not 0 < warmup < 1:
            raise ValueError(f"warmup is {warmup}; it is a fraction of the steps, above 0 and below 1.")
        self.peak = float(peak)
        self.steps = int(steps)
        self.warmup = float(warmup)
        self.start = float(start)
        self.end = float(end)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of ``step``, counted from 0, as a float32 scalar."""
        done = keras.ops.minimum(keras.ops.cast(step, "float32") / self.steps, 1.0)
        rising = self.start + (1 - self.start) * done / self.warmup
        falling = self.end + (1 - self.end) * (1 - done) / (1 - self.warmup)
        return self.peak * keras.ops.where(done < self.warmup, rising, falling)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as Keras needs them to save an optimiser."""
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup": self.warmup,
            "start": self.start,
            "end": self.end,
        }


def flip_and_shift(images: tf.Tensor, seed: Any, *, shift: int = 2) -> tf.Tensor:
    """Return the images, each mirrored with probability 1/2 and moved by up to ``shift`` pixels along both axes.

    What moves in at the border is the image's own reflection, without its edge pixel twice. A pure function: the same
    two-number ``seed`` gives the same result. Each image of ``images`` (n, height, width, channels) has its own draw.
    """
    count, (height, width) = tf.shape(images)[0], images.shape[1:3]
    mirror_seed, shift_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    mirrored = tf.random.stateless_uniform([count, 1], mirror_seed) < 0.5
    offsets = tf.random.stateless_uniform([count, 2], shift_seed, 0, 2 * shift + 1, tf.int32)
    padded = tf.pad(images, [[0, 0], [shift, shift], [shift, shift], [0, 0]], "REFLECT")
    rows = offsets[:, :1] + tf.range(height)
    columns = offsets[:, 1:] + tf.where(mirrored, tf.range(width - 1, -1, -1), tf.range(width))
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


class FlipAndShift:
    """:func:`flip_and_shift` as the ``augment`` of :func:`cnn_course.datasets.batches`: new draws for every batch.

    The draws are counted by a Keras seed generator, whose state lives outside the pipeline: TensorFlow's own
    ``tf.random.uniform`` inside ``Dataset.map`` starts again with every epoch once a global seed is set.
    """

    def __init__(self, *, shift: int = 2, seed: int = 0) -> None:
        self.shift = shift
        self._seeds = keras.random.SeedGenerator(seed)

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Return one augmented batch."""
        return flip_and_shift(images, self._seeds.next(), shift=self.shift)


def batch_at(
    step: Any, images: Any, labels: Any, *, batch_size: int, seed: int = 0, shift: int = 2
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the training batch of one step as a pure function of the step's number, counted over all epochs.

    Each epoch goes once through the first ``len(images) // batch_size * batch_size`` places of an order of its own;
    the images are augmented by :func:`flip_and_shift`. As no state is kept, a training that was interrupted can go on
    at any step: ``tf.data.Dataset.range(first, last).map(...)``. The memory that it needs does not grow with the number
    of images, unlike that of ``Dataset.shuffle``.
    """
    steps = len(images) // batch_size
    epoch, place = step // steps, step % steps
    places = place * batch_size + tf.range(batch_size, dtype=tf.int64)
    chosen = tf.random.experimental.index_shuffle(places, [seed, epoch], len(images) - 1)
    return flip_and_shift(tf.gather(images, chosen), [seed, step], shift=shift), tf.gather(labels, chosen)


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


@keras.saving.register_keras_serializable("cnn_course")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of logits against integer labels, of which ``smoothing`` is spread evenly over all classes.

    Keras' ``SparseCategoricalCrossentropy`` knows no label smoothing. The target is ``1 - smoothing + smoothing / k``
    for the labelled one of k classes and ``smoothing / k`` for the others (Szegedy et al. 2015, arXiv 1512.00567,
    section 7).
    """

    def __init__(self, smoothing: float = 0.1, name: str = "smoothed_crossentropy", **keywords: Any) -> None:
        super().__init__(name=name, **keywords)
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing is {smoothing}; it is a share of the target, from 0 to below 1.")
        self.smoothing = smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each image, from labels (n,) or (n, 1) and logits (n, k)."""
        log_probabilities = keras.ops.log_softmax(y_pred)
        labels = keras.ops.cast(keras.ops.reshape(y_true, (-1, 1)), "int32")
        of_label = keras.ops.take_along_axis(log_probabilities, labels, axis=-1)[:, 0]
        return -((1 - self.smoothing) * of_label + self.smoothing * keras.ops.mean(log_probabilities, axis=-1))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as Keras needs them to save a compiled model."""
        return {**super().get_config(), "smoothing": self.smoothing}


def images_per_second(batches: Iterable, *, skip: int = 1) -> float:
    """Return the rate at which ``batches`` of (images, labels) come, the first ``skip`` of them not counted.

    The first batches of a ``tf.data`` pipeline pay for its start and for the filling of its shuffle buffer.
    """
    images = 0
    start = time.perf_counter()
    for k, (batch, _) in enumerate(batches):
        if k < skip:
            start = time.perf_counter()
        else:
            images += len(batch)
    if images == 0:
        raise ValueError(f"There are no more than the {skip} batches that are not counted.")
    return images / (time.perf_counter() - start)


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
    return model.fit(
        pipeline,
        validation_data=datasets.batches(validation, 500) if validation else None,
        epochs=epochs,
        shuffle=False,  # the pipeline shuffles
        verbose=0,
        callbacks=list(callbacks),
    ).history
