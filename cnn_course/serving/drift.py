"""Whether what a service is asked today looks like what its network learned from. Derived in lesson 13.

The population stability index compares two histograms; it is Jeffreys' divergence (H. Jeffreys 1946, "An invariant
form for the prior probability in estimation problems") of their shares. B. Yurdakul 2018, "Statistical properties of
the population stability index", gives its distribution where nothing has changed.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def image_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the brightness and the contrast of images: mean and standard deviation of each one's pixels, (n,) each."""
    flat = np.asarray(images, "float32").reshape(len(images), -1)
    return flat.mean(axis=1), flat.std(axis=1)


def bucket_counts(values: np.ndarray, edges: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return how many values fall into each bucket, as Prometheus counts: (len(edges) + 1,).

    ``edges`` are the upper edges; a value on an edge belongs to the bucket below it, and the last bucket holds what is
    larger than all of them.
    """
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)


def without_rare(reference: np.ndarray, current: np.ndarray, *, share: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Return two histograms with neighbouring buckets joined until each holds at least ``share`` of the reference.

    In a bucket that was nearly empty, one observation would count as much as a real change.
    """
    least, joined = share * np.sum(reference), [[0.0, 0.0]]
    for before, after in zip(reference, current, strict=True):
        if joined[-1][0] >= least:
            joined.append([0.0, 0.0])
        joined[-1][0] += before
        joined[-1][1] += after
    if len(joined) > 1 and joined[-1][0] < least:
        last = joined.pop()
        joined[-1][0] += last[0]
        joined[-1][1] += last[1]
    columns = np.array(joined)
    return columns[:, 0], columns[:, 1]


def population_stability(reference: np.ndarray, current: np.ndarray) -> float:
    """Return the population stability index of two histograms with the same buckets.

    Half an observation is added to each bucket, so that an empty one does not make the index infinite.

    Args:
        reference: Counts of each bucket, (b,).
        current: The same of what is compared with it.

    Raises:
        ValueError: The histograms differ in length, or one of them is empty.
    """
    reference, current = np.asarray(reference, float), np.asarray(current, float)
    if reference.shape != current.shape or reference.ndim != 1:
        raise ValueError(f"The histograms have the shapes {reference.shape} and {current.shape}; they must be equal.")
    if not (reference.sum() > 0 and current.sum() > 0):
        raise ValueError("A histogram without observations cannot be compared.")
    before, after = ((counts + 0.5) / (counts + 0.5).sum() for counts in (reference, current))
    return float(((after - before) * np.log(after / before)).sum())


def stability_bound(reference_size: int, current_size: int, buckets: int, *, level: float = 0.99) -> float:
    """Return the index that is exceeded with a probability of ``1 - level`` only where nothing has changed.

    By Yurdakul the index is then about (1/n + 1/m) times a chi-square variable with one degree of freedom less than
    there are buckets, none of them rare. The images must be drawn independently: a camera's neighbouring frames, which
    are nearly the same image, exceed it by chance far more often.
    """
    return float((1 / reference_size + 1 / current_size) * stats.chi2.ppf(level, max(buckets - 1, 1)))
