"""Data sets as ``tf.data`` pipelines of batches."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cnn_course.datasets.dataset import Dataset

if TYPE_CHECKING:
    import tensorflow as tf


def steps_in_epoch(images: int, batch_size: int) -> int:
    """Return how many batches so many images fill; those of a last batch that would be smaller are left out.

    Raises:
        ValueError: They fill none.
    """
    if batch_size > images:
        raise ValueError(f"A batch of {batch_size} images is larger than the set of {images}.")
    return images // batch_size


def batches(
    dataset: Dataset,
    batch_size: int,
    *,
    shuffle: int | None = None,
    augment: Callable | None = None,
    cache: bool = True,
    drop_remainder: bool = False,
) -> "tf.data.Dataset":
    """Return the set as a ``tf.data`` pipeline of (images ``float32`` 0..255, labels ``int64``) in batches.

    The order of the steps is memory, cache, shuffle, batch, augmentation, prefetch: what is the same in each epoch
    comes before the cache, what is drawn anew comes after it.

    Args:
        dataset: The images.
        batch_size: Images in one batch; the last one may be smaller.
        shuffle: The seed of the order, a new one in each epoch; ``None`` keeps the set's order.
        augment: A function of a float32 batch, or a Keras layer, which is called with ``training=True``. For training
            sets only. It runs on one batch after the other, so that its random draws come in the same order each time.
            A function draws from a ``keras.random.SeedGenerator``: once a global seed is set, as every lesson does,
            TensorFlow's own ``tf.random.uniform`` would start again in each epoch and draw the same numbers.
        cache: Keep the elements in memory after the first epoch.
        drop_remainder: Leave out a last batch that is smaller.

    Two runs with the same seeds, TensorFlow's global one included, give the same batches.

    Raises:
        ValueError: The set is empty, ``batch_size`` is no whole number of at least 1, or no batch is left.
    """
    import keras
    import tensorflow as tf

    if len(dataset) == 0:
        raise ValueError(f"There are no images in this part of {dataset.name}, so there are no batches of it.")
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; it must be a whole number of at least 1.")
    if drop_remainder:
        steps_in_epoch(len(dataset), batch_size)  # or no batch is left
    pipeline = tf.data.Dataset.from_tensor_slices((dataset.images, dataset.labels))
    if cache:
        pipeline = pipeline.cache()
    if shuffle is not None:
        pipeline = pipeline.shuffle(len(dataset), seed=shuffle, reshuffle_each_iteration=True)
    pipeline = pipeline.batch(batch_size, drop_remainder=drop_remainder)
    pipeline = pipeline.map(lambda images, labels: (tf.cast(images, tf.float32), labels))
    if isinstance(augment, keras.Layer):
        if not augment.built:
            augment.build((None, *dataset.image_shape))
        pipeline = pipeline.map(lambda images, labels: (augment(images, training=True), labels))
    elif augment is not None:
        pipeline = pipeline.map(lambda images, labels: (augment(images), labels))
    return pipeline.prefetch(tf.data.AUTOTUNE)


def without_tuner(pipeline: "tf.data.Dataset") -> "tf.data.Dataset":
    """Return the pipeline without TensorFlow's tuning of its buffers, for ``fit`` with ``steps_per_epoch``.

    An iterator that is not read to its end waits, when it is deleted, for the tuner's next round: these come 0.01,
    0.02, 0.04 seconds after one another and so on, up to a minute (TensorFlow 2.21), so that a ``fit`` may last twice
    as long as its steps.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return pipeline.with_options(options)
