"""Fast augmentation of whole batches, and batches as functions of the step. Derived in lessons 03 and 04."""

from typing import Any

import keras
import tensorflow as tf

from cnn_course import datasets


def flip_and_shift(images: tf.Tensor, seed: Any, *, shift: int = 2, mirrored: tf.Tensor | None = None) -> tf.Tensor:
    """Return the images, each mirrored with probability 1/2 and moved by up to ``shift`` pixels along both axes.

    What moves in at the border is the image's own reflection, without its edge pixel twice. A pure function: the same
    two-number ``seed`` gives the same result.

    Args:
        images: (n, height, width, channels), of any type; each has a draw of its own.
        seed: Two whole numbers.
        shift: At least 0 and less than height and width.
        mirrored: bool (n,), which images are mirrored, instead of a draw.

    Returns:
        Images of the same shape and type.
    """
    count, (height, width) = tf.shape(images)[0], images.shape[1:3]
    mirror_seed, shift_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    if mirrored is None:
        mirrored = tf.random.stateless_uniform([count], mirror_seed) < 0.5
    offsets = tf.random.stateless_uniform([count, 2], shift_seed, 0, 2 * shift + 1, tf.int32)
    padded = tf.pad(images, [[0, 0], [shift, shift], [shift, shift], [0, 0]], "REFLECT")
    rows = offsets[:, :1] + tf.range(height)
    columns = offsets[:, 1:] + tf.where(mirrored[:, tf.newaxis], tf.range(width - 1, -1, -1), tf.range(width))
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
    step: Any, images: Any, labels: Any, *, batch_size: int, seed: int = 0, shift: int = 2, alternating: bool = False
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the training batch of one step as a pure function of the step's number, counted over all epochs.

    Each epoch goes once through the first ``len(images) // batch_size * batch_size`` places of an order of its own;
    the images are augmented by :func:`flip_and_shift`. As no state is kept, a training that was interrupted can go on
    at any step: ``tf.data.Dataset.range(first, last).map(...)``. The memory that it needs does not grow with the number
    of images, unlike that of ``Dataset.shuffle``.

    With ``alternating`` an image is mirrored by a draw in the first epoch and by turns from then on, so that two epochs
    in a row show both sides of every image (Jordan 2024, arXiv 2404.00498, section 3.6).

    Args:
        step: A whole number, int64.
        images: (n, height, width, channels).
        labels: (n,).
        batch_size: Images in one step.
        seed: Of the order and of the augmentation.
        shift: Pixels by which an image is moved at most.
        alternating: Whether images are mirrored by turns.

    Returns:
        Images (batch_size, height, width, channels) and labels (batch_size,), of the types that they were given in.

    Raises:
        ValueError: The images are too few for a batch.
    """
    steps = datasets.steps_in_epoch(len(images), batch_size)
    epoch, place = step // steps, step % steps
    places = place * batch_size + tf.range(batch_size, dtype=tf.int64)
    chosen = tf.random.experimental.index_shuffle(places, [seed, epoch], len(images) - 1)
    mirrored = _mirrored_by_turns(chosen, epoch, seed, len(images)) if alternating else None
    augmented = flip_and_shift(tf.gather(images, chosen), [seed, step], shift=shift, mirrored=mirrored)
    return augmented, tf.gather(labels, chosen)


def _mirrored_by_turns(chosen: tf.Tensor, epoch: tf.Tensor, seed: int, count: int) -> tf.Tensor:
    """Return for each image whether it is mirrored in this epoch: its own first draw, turned round in odd epochs."""
    # A shuffled place that is odd is a fair coin for each image, and needs no table of all images.
    coins = tf.random.experimental.index_shuffle(chosen, [seed, -1], count - 1)
    return (coins + epoch) % 2 == 1
