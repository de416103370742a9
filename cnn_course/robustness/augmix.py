"""Augmentation by mixtures: several chains of changes, blended with each other and with the image. Lesson 12.

D. Hendrycks and others 2019, "AugMix: a simple data processing method to improve robustness and uncertainty",
arXiv 1912.02781, without its second loss (which triples the cost of a step) and without histogram equalisation.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from cnn_course import datasets, training

CHANGES = ("rotate", "shear", "shift", "contrast to the full range", "fewer levels", "solarise")
_GEOMETRIC = 3  # the first ones move pixels, the others change their values


def augmix(
    images: tf.Tensor, seed: Any, *, strength: float = 3.0, chains: int = 3, depth: int = 3, alpha: float = 1.0
) -> tf.Tensor:
    """Return each image mixed with changed copies of itself; a pure function of the images and a two-number ``seed``.

    Each of ``chains`` copies goes through one to ``depth`` of :data:`CHANGES`, drawn for each image. The copies are
    averaged with weights from a Dirichlet distribution, and the average is blended with the image by a share from a
    Beta distribution, both with the parameter ``alpha`` (algorithm 1 of the source).

    None of the changes is among those that :mod:`cnn_course.robustness.corruptions` tests with.

    Args:
        images: (n, height, width, channels), 0 to 255.
        seed: Two whole numbers.
        strength: Upper end of the changes' strengths, above 0 and at most 10: rotation by up to 3 degrees times it,
            shear by 0.03 times it, shift by a thirtieth of the side times it, down to 4 - 0.4 times it bits, and
            solarisation from 256 - 25.6 times it on.
        chains: Number of copies.
        depth: Largest number of changes in a chain.
        alpha: Above 0; small values make the weights uneven.

    Returns:
        float32, of the shape of ``images``, 0 to 255.
    """
    images = tf.cast(images, tf.float32)
    count = tf.shape(images)[0]
    weight_seed, share_seed, copy_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    weights = tf.random.stateless_gamma([chains, count], weight_seed, alpha)
    pair = tf.random.stateless_gamma([2, count], share_seed, alpha)
    copies = changed_copies(images, copy_seed, strength=strength, chains=chains, depth=depth)
    return blend(images, copies, weights / tf.reduce_sum(weights, axis=0), pair[0] / (pair[0] + pair[1]))


def blend(images: tf.Tensor, copies: tf.Tensor, weights: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Return ``(1 - share) * images + share * sum of weights * copies``.

    Args:
        images: (n, height, width, channels).
        copies: (m, n, height, width, channels), float32.
        weights: (m, n), of each copy of each image; they add up to 1 for each image.
        share: (n,), that of the copies.
    """
    mixture = tf.einsum("mn,mnhwc->nhwc", weights, copies)
    share = share[:, None, None, None]
    return (1 - share) * tf.cast(images, tf.float32) + share * mixture


def changed_copies(
    images: tf.Tensor, seed: Any, *, strength: float = 3.0, chains: int = 3, depth: int = 3
) -> tf.Tensor:
    """Return ``chains`` copies of each image, each after one to ``depth`` changes of its own draw.

    Arguments as in :func:`augmix`. Returns (chains, n, height, width, channels), float32.
    """
    changed = tf.tile(tf.cast(images, tf.float32), [chains, 1, 1, 1])
    count = tf.shape(changed)[0]
    depth_seed, *seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 1 + depth))
    depths = tf.random.stateless_uniform([count], depth_seed, 1, depth + 1, tf.int32)
    for k, of_change in enumerate(seeds):
        changed = _change(changed, of_change, depths > k, strength)
    return tf.reshape(changed, [chains, -1, *images.shape[1:]])


def single_change(images: tf.Tensor, kind: str, level: float) -> tf.Tensor:
    """Return the images under one of :data:`CHANGES`, the same for all; turned to one side, and moved along the rows.

    Args:
        images: (n, height, width, channels), 0 to 255.
        kind: One of :data:`CHANGES`.
        level: A tenth of its strength (:func:`augmix`), above 0 and at most 1.

    Returns:
        float32, of the shape of ``images``.

    Raises:
        ValueError: There is no such kind or level.
    """
    if kind not in CHANGES:
        raise ValueError(f"There is no change {kind!r}; there are {', '.join(CHANGES)}.")
    if not 0 < level <= 1:
        raise ValueError(f"level is {level}; it must be above 0 and at most 1.")
    images = tf.cast(images, tf.float32)
    drawn, level, sign = (tf.fill(tf.shape(images)[:1], value) for value in (CHANGES.index(kind), level, 1.0))
    return _applied(images, drawn, level, sign, sign > 0)


def augmix_batches(
    recipe: training.FastRecipe,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    steps: tuple[int, int],
    seed: int = 0,
    strength: float = 3.0,
) -> tf.data.Dataset:
    """Return the batches of :func:`cnn_course.training.recipe_batches`, mixed by :func:`augmix`.

    It is meant as the ``batches`` of :func:`cnn_course.training.fit_recipe`.

    Raises:
        ValueError: ``strength`` is not above 0 or is above 10.
    """
    if not 0 < strength <= 10:
        raise ValueError(f"strength is {strength}; it must be above 0 and at most 10.")
    moved = training.recipe_batches(recipe, images, labels, steps=steps, seed=seed)
    # The number of the step is half of the seed: a training that goes on sees what it would have seen.
    numbered = tf.data.Dataset.zip((moved, tf.data.Dataset.range(*steps)))
    mixed = numbered.map(
        lambda batch, step: (augmix(batch[0], [seed, step], strength=strength), batch[1]), num_parallel_calls=2
    )
    return datasets.without_tuner(mixed.prefetch(2))


def _change(images: tf.Tensor, seed: Any, active: tf.Tensor, strength: float) -> tf.Tensor:
    """Return each image under a change of its own draw, or as it is where it is not ``active`` (n,)."""
    count = tf.shape(images)[0]
    kind_seed, level_seed, sign_seed, axis_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 4))
    kind = tf.where(active, tf.random.stateless_uniform([count], kind_seed, 0, len(CHANGES), tf.int32), -1)
    level = tf.random.stateless_uniform([count], level_seed, 0.1, strength) / 10
    sign = tf.where(tf.random.stateless_uniform([count], sign_seed) < 0.5, -1.0, 1.0)
    along_rows = tf.random.stateless_uniform([count], axis_seed) < 0.5
    return _applied(images, kind, level, sign, along_rows)


def _applied(images: tf.Tensor, kind: tf.Tensor, level: tf.Tensor, sign: tf.Tensor, along_rows: tf.Tensor) -> tf.Tensor:
    """Return each image under its own change; all (n,), ``kind`` a place in :data:`CHANGES` or -1 for none.

    All changes of position are one projective map, and all changes of value one formula: what is not drawn takes the
    parameter that changes nothing, so that a batch needs no division by kind.
    """
    drawn = [tf.cast(kind == k, tf.float32) for k in range(len(CHANGES))]
    moved = _moved(
        images,
        angle=drawn[0] * sign * level * (np.pi / 6),
        shear=drawn[1] * sign * level * 0.3,
        shift=drawn[2] * sign * level / 3,
        along_rows=along_rows,
    )
    return _revalued(moved, *(share * level for share in drawn[_GEOMETRIC:]))


def _moved(
    images: tf.Tensor, *, angle: tf.Tensor, shear: tf.Tensor, shift: tf.Tensor, along_rows: tf.Tensor
) -> tf.Tensor:
    """Return each image turned, sheared and shifted, all (n,); the image's reflection comes in at the border.

    ``angle`` is in radians, ``shift`` a share of the side; shear and shift go along the rows or along the columns.
    """
    height, width = images.shape[1:3]
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    in_rows = tf.cast(along_rows, tf.float32)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    # Where the value of the new pixel (x, y) comes from: a x + b y + c, d x + e y + f, about the middle.
    a, b = cosine, -sine + shear * in_rows
    d, e = sine + shear * (1 - in_rows), cosine
    c = middle_x - a * middle_x - b * middle_y + shift * in_rows * width
    f = middle_y - d * middle_x - e * middle_y + shift * (1 - in_rows) * height
    zero = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, c, d, e, f, zero, zero], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _revalued(images: tf.Tensor, stretch: tf.Tensor, coarsen: tf.Tensor, solarise: tf.Tensor) -> tf.Tensor:
    """Return each image with its values stretched, coarsened or solarised; each (n,), 0 where it is not.

    Stretched: the darkest value of each channel becomes 0 and the lightest 255. Coarsened: to whole multiples, so that
    4 - 4 times the level bits are left. Solarised: values from 256 - 256 times the level on are turned round.
    """
    stretch, coarsen, solarise = (each[:, None, None, None] for each in (stretch, coarsen, solarise))
    lowest = tf.reduce_min(images, axis=(1, 2), keepdims=True)
    range_ = tf.reduce_max(images, axis=(1, 2), keepdims=True) - lowest
    stretched = tf.where((stretch > 0) & (range_ > 0), (images - lowest) * 255 / tf.maximum(range_, 1e-6), images)
    size = 2.0 ** (4 + tf.floor(4 * coarsen))
    coarse = tf.where(coarsen > 0, tf.floor(stretched / size) * size, stretched)
    return tf.where((solarise > 0) & (coarse >= 256 - 256 * solarise), 255 - coarse, coarse)
