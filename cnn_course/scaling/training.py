"""One training loop for every ``tf.distribute`` strategy, which can be stopped after any step. Derived in lesson 14."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_course.datasets import steps_in_epoch
from cnn_course.files import read_arrays, write_arrays


def batch_indices(step: int, images: int, batch_size: int, *, seed: int = 0) -> np.ndarray:
    """Return which images make up the batch of ``step``, counted from 0: the same on every worker, and after a resume.

    Each epoch is a new permutation of the images; the last ones that fill no batch are left out.
    """
    epoch, position = divmod(step, steps_in_epoch(images, batch_size))
    order = np.random.default_rng([seed, epoch]).permutation(images)
    return order[position * batch_size : (position + 1) * batch_size]


def parallel_step(
    strategy: tf.distribute.Strategy, model: keras.Model, optimiser: keras.optimizers.Optimizer
) -> Callable[[Any, Any], tf.Tensor]:
    """Return the compiled training step of a classifier that returns logits, one part of the batch on each replica.

    The step takes images and labels, one value of equal size for each replica (:func:`shared_out`), and returns the
    mean loss over the whole batch, a scalar. Model and optimiser are made in ``strategy.scope()``. Keras' optimiser
    adds up the gradients of all replicas; that is the mean, because each replica divides by their number first.
    """

    def on_replica(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
            loss = tf.reduce_mean(losses) / strategy.num_replicas_in_sync
        weights = model.trainable_variables
        optimiser.apply(tape.gradient(loss, [weight.value for weight in weights]), weights)
        return loss

    @tf.function(reduce_retracing=True)
    def step(images: Any, labels: Any) -> tf.Tensor:
        return strategy.reduce("SUM", strategy.run(on_replica, args=(images, labels)), axis=None)

    return step


def shared_out(strategy: tf.distribute.Strategy, *arrays: np.ndarray) -> list[Any]:
    """Return each array cut into one part for each replica of the strategy: of n replicas, number k has every n-th row.

    In a worker of several processes only the parts of its own replicas are made.
    """

    def part(array: np.ndarray) -> Callable[[tf.distribute.experimental.ValueContext], tf.Tensor]:
        return lambda context: tf.constant(array[context.replica_id_in_sync_group :: context.num_replicas_in_sync])

    return [strategy.experimental_distribute_values_from_function(part(array)) for array in arrays]


def train_parallel(
    strategy: tf.distribute.Strategy,
    model: keras.Model,
    optimiser: keras.optimizers.Optimizer,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    steps: int,
    batch_size: int,
    seed: int = 0,
    checkpoint: Path | None = None,
    save_every: int = 10,
    saves: bool = True,
) -> Iterator[tuple[int, float]]:
    """Train up to ``steps`` steps, and yield (steps done, loss) after each.

    Args:
        strategy: Any strategy; ``tf.distribute.get_strategy()`` is the one of a single device.
        model: A classifier that returns logits, made in the strategy's scope.
        optimiser: Made in the strategy's scope too.
        images: All training images, on every worker; each computes only its part of a batch.
        labels: Whole numbers, one for each image.
        steps: Steps of the whole training, those before a resume included.
        batch_size: Images in one step of all replicas together.
        seed: Of the order of the images.
        checkpoint: A file from which the training goes on where it exists, and which is written after every
            ``save_every`` steps.
        save_every: See ``checkpoint``.
        saves: Whether this process writes the checkpoint; of several workers, one does.

    Raises:
        ValueError: The batch is larger than the set, or cannot be cut into equal parts.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ValueError(f"A batch of {batch_size} images cannot be cut into {replicas} equal parts.")
    batch_indices(0, len(images), batch_size)  # refuses before anything is compiled
    with strategy.scope():
        optimiser.build(model.trainable_variables)
    variables = [*model.variables, *optimiser.variables]
    done = load_checkpoint(checkpoint, variables) if checkpoint else 0
    step = parallel_step(strategy, model, optimiser)
    while done < steps:
        chosen = batch_indices(done, len(images), batch_size, seed=seed)
        loss = float(step(*shared_out(strategy, images[chosen], labels[chosen])))
        done += 1
        if checkpoint and saves and (done % save_every == 0 or done == steps):
            save_checkpoint(checkpoint, variables, done)
        yield done, loss


def save_checkpoint(file: Path, variables: list[keras.Variable], done: int) -> None:
    """Write all variables and the number of steps done to ``file``, which is never seen half written."""
    values = {f"v{k}": keras.ops.convert_to_numpy(variable) for k, variable in enumerate(variables)}
    write_arrays(file, done=done, **values)


def load_checkpoint(file: Path, variables: list[keras.Variable]) -> int:
    """Assign what ``file`` holds to the variables and return the number of steps done, 0 where there is no file."""
    if not file.exists():
        return 0
    stored = read_arrays(file)
    if len(stored) != len(variables) + 1:
        raise ValueError(f"{file} holds another model: remove it, or name another checkpoint.")
    for k, variable in enumerate(variables):
        variable.assign(stored[f"v{k}"])
    return int(stored["done"])
