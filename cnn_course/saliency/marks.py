"""A cue that has nothing to do with the object: a coloured mark in the corner of an image. From lesson 09."""

import colorsys

import numpy as np

MARK_SIDE = 5
# Ten hues at equal distances.
MARK_COLOURS = np.array([[round(255 * x) for x in colorsys.hsv_to_rgb(k / 10, 0.9, 0.9)] for k in range(10)], "uint8")


def with_marks(images: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Return images with a coloured square in their upper left corner, one pixel from the edges.

    Args:
        images: uint8 (n, height, width, 3).
        marks: Whole numbers (n,), the place of each image's colour in :data:`MARK_COLOURS`.
    """
    if images.shape[-1] != 3 or marks.shape != images.shape[:1]:
        raise ValueError(f"The shapes are {images.shape} and {marks.shape}; wanted are (n, height, width, 3) and (n,).")
    marked = images.copy()
    marked[:, 1 : 1 + MARK_SIDE, 1 : 1 + MARK_SIDE] = MARK_COLOURS[marks][:, np.newaxis, np.newaxis]
    return marked


def mark_mask(height: int, width: int, *, margin: int = 0) -> np.ndarray:
    """Return where the mark is, bool (height, width), enlarged by ``margin`` pixels."""
    mask = np.zeros((height, width), bool)
    mask[max(0, 1 - margin) : 1 + MARK_SIDE + margin, max(0, 1 - margin) : 1 + MARK_SIDE + margin] = True
    return mask
