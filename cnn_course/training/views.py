"""Several views of an image at test time, whose logits are averaged. Derived in lesson 04."""

from collections.abc import Sequence

import keras
import numpy as np

from cnn_course import datasets


def predict_with_views(model: keras.Model, images: np.ndarray, *, views: int = 2, batch_size: int = 500) -> np.ndarray:
    """Return the mean logits (n, k) over several views of each image (test-time augmentation).

    Args:
        model: A classifier that returns logits.
        images: (n, height, width, channels).
        views: 1 is the image alone; 2 adds its mirror image; 6 adds both moved by one pixel up and left, and down and
            right, the moved ones counting as much as the others together.
        batch_size: Images in one call.
    """
    return _logits_by_views(model, images, (views,), batch_size)[views]


def accuracy_by_views(
    model: keras.Model, dataset: datasets.Dataset, counts: Sequence[int] = (1, 2, 6)
) -> dict[int, float]:
    """Return for each number of views the share of the images that :func:`predict_with_views` gets right."""
    logits = _logits_by_views(model, dataset.images, counts, 500)
    return {views: float((logits[views].argmax(axis=1) == dataset.labels).mean()) for views in counts}


def _logits_by_views(
    model: keras.Model, images: np.ndarray, counts: Sequence[int], batch_size: int
) -> dict[int, np.ndarray]:
    """Return the mean logits for each of these numbers of views, and for those that they contain."""
    for views in counts:
        if views not in (1, 2, 6):
            raise ValueError(f"views is {views}; it must be 1, 2 or 6.")

    def logits(some: np.ndarray) -> np.ndarray:
        return model.predict(some, batch_size=batch_size, verbose=0)

    def mirrored(some: np.ndarray) -> np.ndarray:
        return (logits(some) + logits(some[:, :, ::-1])) / 2

    found = {1: logits(images)}
    if max(counts) > 1:
        found[2] = (found[1] + logits(images[:, :, ::-1])) / 2
    if max(counts) == 6:
        height, width = images.shape[1:3]
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        up, down = (padded[:, at : at + height, at : at + width] for at in (2, 0))
        found[6] = (found[2] + (mirrored(up) + mirrored(down)) / 2) / 2
    return found
