"""What a map is worth, in numbers. Derived in lesson 09."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage, stats


def pointing_game(maps: np.ndarray, masks: np.ndarray, *, tolerance: int = 0) -> np.ndarray:
    """Return for each image whether the largest value of its map lies on the object, bool (n,).

    J. Zhang and others 2016, arXiv 1608.00507, section 4.1, who also count a point within a tolerance. Of several
    equal values the first one counts, by rows; a map of equal values therefore points into the first corner.

    Args:
        maps: (n, height, width).
        masks: bool (n, height, width), true on the object.
        tolerance: Pixels by which the masks are enlarged, along rows and columns.
    """
    _refuse_other_shapes(maps, masks)
    if tolerance:
        masks = ndimage.binary_dilation(masks, np.ones((1, 3, 3)), iterations=tolerance)
    peak = maps.reshape(len(maps), -1).argmax(axis=1)
    return np.take_along_axis(masks.reshape(len(masks), -1), peak[:, np.newaxis], axis=1)[:, 0]


def energy_inside(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the share of each map's sum that lies on the object, (n,), from 0 to 1; 0 for an empty map.

    H. Wang and others 2019, arXiv 1910.01279, section 4.2.

    Args:
        maps: (n, height, width), no value below 0.
        masks: bool (n, height, width).
    """
    _refuse_other_shapes(maps, masks)
    if maps.min() < 0:
        raise ValueError("A map has values below 0, which are no energy. Take its positive part first.")
    whole = maps.sum(axis=(1, 2), dtype="float64")
    inside = (maps * masks).sum(axis=(1, 2), dtype="float64")
    return np.divide(inside, whole, out=np.zeros(len(maps)), where=whole > 0)


def perturbed(
    probabilities: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    replacement: np.ndarray,
    maps: np.ndarray,
    *,
    insert: bool,
    steps: int = 16,
    seed: int = 0,
) -> np.ndarray:
    """Return the probability of a class while pixels are inserted or deleted in the order of a map, (n, steps + 1).

    V. Petsiuk, A. Das and K. Saenko 2018, arXiv 1806.07421, section 4.2. Equal values come in random order.

    Args:
        probabilities: Takes images (n, height, width, channels), returns the probability of each one's class (n,).
        images: (n, height, width, channels).
        replacement: The same shape: what stands where the image is not shown.
        maps: (n, height, width); the pixels with the largest values come first.
        insert: Begin with the replacement and insert the image, or begin with the image and delete it.
        steps: The pixels come in so many equal portions.
        seed: Of the order of equal values.
    """
    if replacement.shape != images.shape or maps.shape != images.shape[:3]:
        raise ValueError(
            f"images, replacement and maps have the shapes {images.shape}, {replacement.shape} and {maps.shape}; "
            "wanted are (n, height, width, channels) twice and (n, height, width)."
        )
    flat = maps.reshape(len(maps), -1)
    noise = np.random.default_rng(seed).random(flat.shape)
    order = np.lexsort((noise, -flat), axis=1)
    rank = np.argsort(order, axis=1).reshape(maps.shape)[..., np.newaxis]
    curves = []
    for step in range(steps + 1):
        taken = rank * steps < step * flat.shape[1]  # in whole numbers, so that no portion is a pixel too large
        curves.append(probabilities(np.where(taken == insert, images, replacement)))
    return np.stack(curves, axis=1)


def area_under(curves: np.ndarray) -> np.ndarray:
    """Return the mean height of each curve (n, points) by the trapezoidal rule, (n,)."""
    return (curves[:, 1:] + curves[:, :-1]).mean(axis=1) / 2


def centre_map(height: int, width: int) -> np.ndarray:
    """Return a map that always points to the middle: a Gaussian of a quarter of the sides, (height, width)."""
    rows, columns = (((np.arange(side) + 0.5) / side - 0.5) / 0.25 for side in (height, width))
    return np.exp(-(rows[:, np.newaxis] ** 2 + columns**2) / 2).astype("float32")


def random_maps(count: int, height: int, width: int, *, seed: int = 0) -> np.ndarray:
    """Return maps that point anywhere: a random number for each pixel, (count, height, width), from 0 to 1."""
    return np.random.default_rng(seed).random((count, height, width), dtype="float32")


def mosaics(images: np.ndarray, masks: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mosaics of two by two images of different classes, and where the one is that is asked for.

    The grid pointing game of M. Boehle, M. Fritz and B. Schiele 2021, arXiv 2104.00032, section 4: a map that follows
    the question lies on one of the four, while all four attract the eye. The image that is asked for takes the four
    places in turn; the others are the next ones of the set that have classes of their own.

    Args:
        images: (n, height, width, channels), at least four different classes.
        masks: bool (n, height, width).
        labels: (n,).

    Returns:
        Mosaics (n, 2 height, 2 width, channels), of which number k asks for the class ``labels[k]``; the mask of the
        shape that is asked for, bool (n, 2 height, 2 width); and the images in each mosaic by rows, whole numbers
        (n, 4).
    """
    if len(np.unique(labels)) < 4:
        raise ValueError(
            f"There are images of {len(np.unique(labels))} classes; a mosaic needs four. Where these are the images "
            "that a network classifies correctly, train it for longer or take more images."
        )
    parts = np.zeros((len(images), 4), int)
    for k in range(len(images)):
        chosen = [k]
        for step in range(1, len(images)):
            other = (k + step) % len(images)
            if labels[other] not in labels[chosen]:
                chosen.append(other)
            if len(chosen) == 4:
                break
        parts[k] = np.roll(chosen, k % 4)
    asked = np.zeros((len(images), 4, *masks.shape[1:]), bool)
    places = np.arange(len(images))
    asked[places, places % 4] = masks
    return _put_together(images[parts]), _put_together(asked[..., np.newaxis])[..., 0], parts


def off_centre(images: np.ndarray, masks: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images and masks of twice the height and width, in which the original lies at a random place.

    The pixels at its edges are continued outwards, so that no border comes with it that could be taken for an edge.

    Args:
        images: (n, height, width, channels).
        masks: bool (n, height, width).
        seed: Of the places.
    """
    height, width = images.shape[1:3]
    random = np.random.default_rng(seed)
    wide, where = [], []
    for image, mask in zip(images, masks, strict=True):
        row, column = random.integers(0, height + 1), random.integers(0, width + 1)
        around = ((row, height - row), (column, width - column))
        wide.append(np.pad(image, (*around, (0, 0)), mode="edge"))
        where.append(np.pad(mask, around))
    return np.stack(wide), np.stack(where)


def _put_together(quarters: np.ndarray) -> np.ndarray:
    """Return (n, 2 height, 2 width, channels) from (n, 4, height, width, channels)."""
    upper, lower = (np.concatenate([quarters[:, k], quarters[:, k + 1]], axis=2) for k in (0, 2))
    return np.concatenate([upper, lower], axis=1)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation of each pair of maps (n, height, width), (n,); 0 where a map is constant."""
    _refuse_other_shapes(first, second)
    ranks = [stats.rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (first, second)]
    a, b = (each - each.mean(axis=1, keepdims=True) for each in ranks)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), size, out=np.zeros(len(a)), where=size > 0)


def _refuse_other_shapes(maps: np.ndarray, masks: np.ndarray) -> None:
    if maps.ndim != 3 or maps.shape != masks.shape:
        raise ValueError(f"The shapes are {maps.shape} and {masks.shape}; both must be the same (n, height, width).")
