"""Pre-training: batches of pairs as a function of the step, and a training that can be stopped and resumed."""

import json
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_course import datasets, training
from cnn_course.contrastive.simclr import SimCLR
from cnn_course.contrastive.views import USUAL, Views, two_views
from cnn_course.files import replacing


def pairs(
    images: np.ndarray, views: Views = USUAL, *, batch_size: int, steps: tuple[int, int], seed: int = 0
) -> tf.data.Dataset:
    """Return the batches of pairs from step ``steps[0]`` to before step ``steps[1]``, counted over all epochs.

    Each epoch goes once through the images in an order of its own, without a last batch that would be smaller. Order
    and views are pure functions of ``seed`` and step, so that a training can go on at any step.

    Args:
        images: (n, height, width, channels), 0 to 255.
        views: How the views are drawn.
        batch_size: Images in one step, two views of each.
        steps: First step, and the step after the last.
        seed: Of the order and of the views.

    Returns:
        Batches (batch_size, 2, size, size, channels), float32.

    Raises:
        ValueError: The images are too few for a batch.
    """
    in_epoch = datasets.steps_in_epoch(len(images), batch_size)
    held = tf.constant(images)

    def batch(step: tf.Tensor) -> tf.Tensor:
        epoch, place = step // in_epoch, step % in_epoch
        places = place * batch_size + tf.range(batch_size, dtype=tf.int64)
        chosen = tf.random.experimental.index_shuffle(places, [seed, epoch], len(images) - 1)
        return two_views(tf.gather(held, chosen), [seed, step], views)

    return datasets.without_tuner(tf.data.Dataset.range(*steps).map(batch).prefetch(2))


def pretraining_optimiser(steps: int, *, rate: float = 0.15, vector_rate: float = 20.0) -> keras.optimizers.Optimizer:
    """Return :class:`cnn_course.training.Muon` for a pre-training of so many steps.

    The rate was chosen on held-out images after a few epochs: 0.15 is better than 0.06, with 3,000 shapes in batches of
    100 as with 10,000 images of CIFAR-10 in batches of 500. The rate of the shifts hardly matters.

    Args:
        steps: Of the whole training.
        rate: Peak of the kernels' rate: the fraction by which a kernel is turned in a step.
        vector_rate: Rate of shifts and scales as a multiple of it.
    """
    schedule = training.TriangularSchedule(rate, steps, warmup=0.1)
    return training.Muon(schedule, vector_rate=vector_rate)


def pretrain(
    model: SimCLR,
    images: np.ndarray,
    views: Views = USUAL,
    *,
    epochs: int,
    batch_size: int = 500,
    seed: int = 0,
    backup: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Train a compiled model on pairs of views and return its loss and its seconds by epoch.

    Args:
        model: Compiled, with an optimiser that has taken no step (:func:`cnn_course.training.forget_steps`).
        images: (n, height, width, channels), 0 to 255.
        views: How the views are drawn.
        epochs: Passes over the images.
        batch_size: Images in one step.
        seed: Of the order and of the views.
        backup: A folder for weights, optimiser and history after each epoch. A training that was stopped goes on from
            there when it is started again with the same arguments, and gives what it would have given; one with
            others begins anew. The files are removed when the training ends.
        callbacks: For ``fit``.

    Raises:
        ValueError: The images are too few for a batch, or the optimiser has taken all these steps already.
    """
    in_epoch = datasets.steps_in_epoch(len(images), batch_size)
    last = epochs * in_epoch
    optimiser = model.optimizer
    if not optimiser.built:
        optimiser.build(model.trainable_variables)
    about = {
        "views": asdict(views),
        "epochs": epochs,
        "batch_size": batch_size,
        "seed": seed,
        "images": [*images.shape, zlib.crc32(np.ascontiguousarray(images))],
        "temperature": model.temperature,
        "optimiser": keras.optimizers.serialize(optimiser),
        "weights": [list(weights.shape) for weights in model.weights],
    }
    keeper = _Backup(backup, about) if backup else _Backup.without_files()
    keeper.restore(model, in_epoch)
    done = int(keras.ops.convert_to_numpy(optimiser.iterations))
    if last and done >= last:
        raise ValueError(
            f"The optimiser has taken {done} steps, and the whole training has {last}: this model is trained. Set its "
            "weights and call training.forget_steps(model.optimizer) to train it anew."
        )
    # Before fit, so that too small a set is refused in plain words.
    batches = pairs(images, views, batch_size=batch_size, steps=(done, last), seed=seed)
    model.fit(
        batches,
        initial_epoch=done // in_epoch,
        epochs=epochs,
        steps_per_epoch=in_epoch,
        shuffle=False,  # the pipeline shuffles
        verbose=0,
        callbacks=[keeper, *callbacks],
    )
    keeper.remove()
    return keeper.history


class _Backup(keras.callbacks.Callback):
    """Keep the history, and in a folder what is needed to go on after the last finished epoch."""

    def __init__(self, folder: Path | None, about: dict[str, Any]) -> None:
        super().__init__()
        self._folder = folder
        self._about = json.loads(json.dumps(about))  # as it comes back from the file
        self.history: dict[str, list[float]] = {"loss": [], "seconds": []}
        self._began = time.perf_counter()

    @classmethod
    def without_files(cls) -> "_Backup":
        """Return one that keeps the history alone."""
        return cls(None, {})

    def restore(self, model: keras.Model, in_epoch: int) -> None:
        """Set weights, optimiser and history to those of the last finished epoch, where they are kept."""
        if self._folder is None or not self._weights.exists():
            return
        kept = json.loads(self._log.read_text(encoding="utf-8"))
        if kept["about"] != self._about:
            self.remove()  # else this training's log might one day stand beside the other one's weights
            return
        model.load_weights(self._weights)
        finished = int(keras.ops.convert_to_numpy(model.optimizer.iterations)) // in_epoch
        # The log is written first: it may be an epoch ahead of the weights.
        self.history = {name: values[:finished] for name, values in kept["history"].items()}

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Note the time, but for the first epoch, to which the compilation belongs."""
        if epoch:
            self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write the log, then the weights and the optimiser."""
        self.history["loss"].append(float(logs["loss"]))
        self.history["seconds"].append(time.perf_counter() - self._began)
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._log) as part:
            part.write_text(json.dumps({"about": self._about, "history": self.history}), encoding="utf-8")
        half = self._folder / "half.weights.h5"  # Keras wants this ending
        self.model.save_weights(half)
        half.replace(self._weights)

    def remove(self) -> None:
        """Remove the files of a finished training."""
        if self._folder is not None:
            # The weights first: without them the log counts for nothing, should the process be killed between the two.
            for file in (self._weights, self._log):
                file.unlink(missing_ok=True)

    @property
    def _weights(self) -> Path:
        return self._folder / "last.weights.h5"

    @property
    def _log(self) -> Path:
        return self._folder / "log.json"
