"""Random views of images, drawn for whole batches inside ``tf.data``. Derived in lesson 10."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

# From red, green and blue to brightness and two axes of colour (the YIQ of television, FCC 1953). There a change of
# saturation is a stretch of the plane of colours, a change of hue is a turn of it, and grey stays grey.
YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], "float32")


@dataclass(frozen=True)
class Views:
    """How a view of an image is drawn, in plain values, so that a results file can hold it.

    Colours are those of the source for CIFAR-10 (section B.9 and appendix A), which does not blur these small images.
    Its crops show as little as 0.08 of the image, for trainings of a thousand epochs; short ones learn more from larger
    parts.

    Attributes:
        smallest_area: Least share of the image that a view shows; the ratio of its sides is drawn from 3/4 to 4/3.
        size: Height and width of a view in pixels; by default those of the image.
        flip: Whether half of the views are mirrored.
        turn: Whether views are turned by 0, 1, 2 or 3 right angles, and mirrored. For images without an upside.
        jitter: Strength of the changes of brightness, contrast, saturation and hue; 0 leaves the colours as they are.
        jittered: Probability of such a change.
        grey: Probability that a view has no colour.
        blur: Probability that a view is blurred, by a Gaussian of a random width up to 1 pixel.
    """

    smallest_area: float = 0.2
    size: int | None = None
    flip: bool = True
    turn: bool = False
    jitter: float = 0.5
    jittered: float = 0.8
    grey: float = 0.2
    blur: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if not 0 < self.smallest_area <= 1:
            raise ValueError(f"smallest_area is {self.smallest_area}; it is a share of the image, above 0 and up to 1.")
        if self.jitter < 0:
            raise ValueError(f"jitter is {self.jitter}; it is a strength, 0 or above.")
        for name in ("jittered", "grey", "blur"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a probability, from 0 to 1.")


USUAL = Views()


def draw_views(images: tf.Tensor, seed: Any, views: Views = USUAL) -> tf.Tensor:
    """Return one random view of each image: a part of it, perhaps mirrored, with other colours, perhaps blurred.

    A pure function for ``tf.data``: the same two-number ``seed`` gives the same views.

    Args:
        images: (n, height, width, channels), 0 to 255.
        seed: Two whole numbers.
        views: What is drawn.

    Returns:
        (n, size, size, channels), float32, 0 to 255.

    Raises:
        ValueError: Colours are to be changed, and the images have not three channels.
    """
    if (views.jitter or views.grey) and images.shape[-1] != 3:
        raise ValueError(
            f"Images with {images.shape[-1]} channel(s) have no colours to change: give Views(jitter=0, grey=0, ...), "
            "or repeat the channel three times."
        )
    crop_seed, colour_seed, blur_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    drawn = _cropped(images, crop_seed, views)
    if views.jitter or views.grey:
        drawn = _coloured(drawn, colour_seed, views)
    if views.blur:
        drawn = _blurred(drawn, blur_seed, views.blur)
    return tf.clip_by_value(drawn, 0.0, 255.0)


def two_views(images: tf.Tensor, seed: Any, views: Views = USUAL) -> tf.Tensor:
    """Return two independent views of each image, (n, 2, size, size, channels), as :func:`draw_views` does.

    Each has a draw of its own. With the same draw twice the two would be equal, and there would be nothing to learn.
    """
    first, second = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    return tf.stack([draw_views(images, first, views), draw_views(images, second, views)], axis=1)


def colour_matrices(saturation: tf.Tensor, angle: tf.Tensor) -> tf.Tensor:
    """Return for each image the matrix that multiplies its saturation and turns its hue; brightness and grey stay.

    A column (red, green, blue) is multiplied from the left. It is written in :data:`YIQ`, there its plane of colours is
    stretched and turned, and it is written in red, green and blue again (section "The colours" of lesson 10).

    Args:
        saturation: (n,), float32: 1 leaves the colours as strong as they are, 0 leaves grey.
        angle: (n,), float32, in radians: 0 leaves the hue.

    Returns:
        (n, 3, 3), float32.
    """
    zero, one = tf.zeros_like(angle), tf.ones_like(angle)
    cosine, sine = saturation * tf.cos(angle), saturation * tf.sin(angle)
    rows = [[one, zero, zero], [zero, cosine, -sine], [zero, sine, cosine]]
    in_yiq = tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)
    return tf.matmul(tf.matmul(tf.constant(np.linalg.inv(YIQ)), in_yiq), tf.constant(YIQ))


def _cropped(images: tf.Tensor, seed: Any, views: Views) -> tf.Tensor:
    """Return a random part of each image, brought to the size of a view, perhaps mirrored and turned."""
    count, (height, width) = tf.shape(images)[0], images.shape[1:3]
    size = (views.size, views.size) if views.size else (height, width)
    area_seed, ratio_seed, place_seed, side_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 4))
    area = tf.random.stateless_uniform([count], area_seed, views.smallest_area, 1.0)
    ratio = tf.exp(tf.random.stateless_uniform([count], ratio_seed, -np.log(4 / 3), np.log(4 / 3)))
    tall, wide = tf.minimum(tf.sqrt(area / ratio), 1.0), tf.minimum(tf.sqrt(area * ratio), 1.0)
    places = tf.random.stateless_uniform([2, count], place_seed)
    top, left = places[0] * (1 - tall), places[1] * (1 - wide)
    boxes = tf.stack([top, left, top + tall, left + wide], axis=1)
    mirrored, upside_down, turned = tf.unstack(tf.random.stateless_uniform([3, count, 1], side_seed) < 0.5)
    if views.flip or views.turn:  # a box whose right edge lies left is read from right to left
        boxes = tf.where(mirrored, tf.gather(boxes, [0, 3, 2, 1], axis=1), boxes)
    if views.turn:
        boxes = tf.where(upside_down, tf.gather(boxes, [2, 1, 0, 3], axis=1), boxes)
    drawn = tf.image.crop_and_resize(tf.cast(images, tf.float32), boxes, tf.range(count), size)
    if views.turn:  # both mirrors and this exchange of rows and columns make all eight positions of a square
        drawn = tf.where(turned[:, :, None, None], tf.transpose(drawn, [0, 2, 1, 3]), drawn)
    return drawn


def _coloured(images: tf.Tensor, seed: Any, views: Views) -> tf.Tensor:
    """Return most of the images with another brightness, contrast, saturation and hue, and some of them grey.

    All of it together is linear in a pixel's colour: a matrix for each image and a multiple of its mean brightness.
    """
    count, change = tf.shape(images)[0], 0.8 * views.jitter
    factor_seed, hue_seed, chance_seed, grey_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 4))
    factors = tf.random.stateless_uniform([3, count], factor_seed, max(0.0, 1 - change), 1 + change)
    angle = 2 * np.pi * tf.random.stateless_uniform([count], hue_seed, -0.2 * views.jitter, 0.2 * views.jitter)
    unchanged = tf.random.stateless_uniform([count], chance_seed) >= views.jittered
    brightness, contrast, saturation = tf.unstack(tf.where(unchanged, 1.0, factors))
    angle = tf.where(unchanged, 0.0, angle)
    grey = tf.random.stateless_uniform([count], grey_seed) < views.grey
    saturation = tf.where(grey, 0.0, saturation)
    pixels = tf.reshape(images, [count, -1, 3])
    mean = tf.tensordot(tf.reduce_mean(pixels, axis=1), YIQ[0], 1)  # of the image's brightness
    turned = tf.matmul(pixels, colour_matrices(saturation, angle), transpose_b=True)
    turned = contrast[:, None, None] * turned + ((1 - contrast) * mean)[:, None, None]
    return tf.reshape(brightness[:, None, None] * turned, tf.shape(images))


def _blurred(images: tf.Tensor, seed: Any, probability: float, radius: int = 2) -> tf.Tensor:
    """Return the images, with that probability under a Gaussian of a width of their own, from 0.1 to 1 pixel."""
    count, (height, width) = tf.shape(images)[0], images.shape[1:3]
    width_seed, chance_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    sigma = tf.random.stateless_uniform([count, 1], width_seed, 0.1, 1.0)
    kernels = tf.exp(-(tf.range(-radius, radius + 1, dtype=tf.float32) ** 2) / (2 * sigma**2))
    kernels /= tf.reduce_sum(kernels, axis=1, keepdims=True)
    padded = tf.pad(images, [[0, 0], [radius, radius], [radius, radius], [0, 0]], "SYMMETRIC")
    weights = [kernels[:, k, None, None, None] for k in range(2 * radius + 1)]
    rows = tf.add_n([weight * padded[:, k : k + height] for k, weight in enumerate(weights)])
    blurred = tf.add_n([weight * rows[:, :, k : k + width] for k, weight in enumerate(weights)])
    chosen = tf.random.stateless_uniform([count, 1, 1, 1], chance_seed) < probability
    return tf.where(chosen, blurred, images)
