"""Does a network that says 90 % get nine out of ten right? Lesson 12.

C. Guo, G. Pleiss, Y. Sun and K. Weinberger 2017, "On calibration of modern neural networks", arXiv 1706.04599.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special


class Reliability(NamedTuple):
    """What :func:`reliability` found in each bin of confidence; arrays of equal length, from low to high.

    Attributes:
        edges: Borders of the bins, one more than there are bins.
        counts: Images in each bin.
        confidence: Mean confidence of the images of each bin; NaN where there are none.
        accuracy: Share of them that is right; NaN where there are none.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def expected_error(self) -> float:
        """The expected calibration error: the mean over all images of their bin's distance |accuracy - confidence|."""
        filled = self.counts > 0
        distance = np.abs(self.accuracy - self.confidence)[filled]
        return float(np.average(distance, weights=self.counts[filled]))


def reliability(logits: np.ndarray, labels: np.ndarray, *, temperature: float = 1.0, bins: int = 15) -> Reliability:
    """Return accuracy by confidence, the largest of the softmax probabilities, in ``bins`` bins of equal width.

    Args:
        logits: (n, k).
        labels: (n,), whole numbers.
        temperature: By which the logits are divided first.
        bins: Number of bins between 0 and 1; a confidence on a border belongs to the bin below it.

    Raises:
        ValueError: There are no images.
    """
    if len(logits) == 0:
        raise ValueError("There are no images to judge the confidence by.")
    probabilities = special.softmax(np.asarray(logits, "float64") / temperature, axis=1)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 where a bin is empty
        return Reliability(
            edges,
            counts,
            np.bincount(place, weights=confidence, minlength=bins) / counts,
            np.bincount(place, weights=right, minlength=bins) / counts,
        )


def fitted_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature that gives ``logits / temperature`` the smallest cross-entropy (section 4.2 there).

    It is one number for all images, so that no prediction changes; only the confidence does. It is fitted on held-out
    images, which the network has not learned from. ``logits`` (n, k), ``labels`` (n,).
    """
    logits = np.asarray(logits, "float64")
    rows = np.arange(len(logits))

    def loss(log_temperature: float) -> float:
        return -special.log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels].mean()

    # By its logarithm, which keeps it above 0; between a hundredth and a hundred.
    return float(np.exp(optimize.minimize_scalar(loss, bounds=(-4.6, 4.6), method="bounded").x))
