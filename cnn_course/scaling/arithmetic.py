"""What data parallelism computes and what it costs, in NumPy. Derived in lesson 14."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def weighted_mean(gradients: Sequence[Sequence[np.ndarray]], counts: Sequence[int]) -> list[np.ndarray]:
    """Return the gradient of the mean loss over a whole batch, from those of its parts.

    Args:
        gradients: For each worker the gradients of the mean loss over its own images, one array for each weight.
        counts: How many images each worker had.

    Raises:
        ValueError: There are not as many counts as workers, or no images at all.
    """
    if len(gradients) != len(counts) or sum(counts) < 1:
        raise ValueError(f"There are {len(gradients)} gradients and the counts {list(counts)}: give a count for each.")
    shares = np.asarray(counts, dtype="float64") / sum(counts)
    return [
        sum(share * np.asarray(part) for share, part in zip(shares, parts, strict=True))
        for parts in zip(*gradients, strict=True)
    ]


def ring_all_reduce(arrays: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[int]]:
    """Return what each worker of a ring holds in the end, the mean of all arrays, and how many numbers it has sent.

    Each array is cut into as many parts as there are workers. In each of n - 1 steps every worker sends one part to
    its right neighbour, which adds it to its own; then every worker has the whole sum of one part. In n - 1 further
    steps these are handed round. Source: P. Patarasuk and X. Yuan 2009, "Bandwidth optimal all-reduce algorithms for
    clusters of workstations", Journal of Parallel and Distributed Computing 69(2), section 3.

    Args:
        arrays: One array for each worker, all of one shape.

    Raises:
        ValueError: There is no array, or their shapes differ.
    """
    shapes = {np.shape(array) for array in arrays}
    if len(shapes) != 1:
        raise ValueError(f"The arrays of a ring have one shape; these have {sorted(shapes) or 'none'}.")
    n = len(arrays)
    held = [np.array_split(np.asarray(array, dtype="float64").ravel(), n) for array in arrays]
    sent = [0] * n
    for step in range(2 * (n - 1)):
        # All send at the same time: what is sent is fixed before anybody receives.
        moving = [((k - step) % n, held[k][(k - step) % n]) for k in range(n)]
        for k, (part, values) in enumerate(moving):
            right = (k + 1) % n
            held[right][part] = held[right][part] + values if step < n - 1 else values
            sent[k] += values.size
    means = [np.concatenate(parts).reshape(np.shape(arrays[0])) / n for parts in held]
    return means, sent


@dataclass(frozen=True)
class Link:
    """A connection between two workers: bits a second, and seconds before the first bit of a message arrives."""

    bits_per_second: float
    latency: float

    def ring_seconds(self, workers: int, size: float) -> float:
        """Return the seconds of a ring all-reduce of ``size`` bytes: 2 (n - 1) messages of an n-th each."""
        messages = 2 * (workers - 1)
        return messages * (self.latency + 8 * size / workers / self.bits_per_second)


def speed_up(workers: int, *, compute_seconds: float, size: float, link: Link, fixed_seconds: float = 0.0) -> float:
    """Return how many times faster ``workers`` share the step of one batch, of fixed size (strong scaling).

    One worker computes a step in ``compute_seconds``, of which ``fixed_seconds`` do not shrink with the images. Each of
    n workers takes these, an n-th of the others, and an all-reduce of ``size`` bytes of gradients, which begins when
    all of them are there. Real engines begin with the last layer's gradients while the others are still computed, so
    that this is a lower bound for them.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}; it must be at least 1.")
    if not 0 <= fixed_seconds <= compute_seconds:
        raise ValueError(f"fixed_seconds is {fixed_seconds}; it is a part of the {compute_seconds} seconds of a step.")
    shared = (compute_seconds - fixed_seconds) / workers
    return compute_seconds / (fixed_seconds + shared + link.ring_seconds(workers, size))


def most_useful_workers(
    *, compute_seconds: float, size: float, link: Link, fixed_seconds: float = 0.0, at_most: int = 1024
) -> int:
    """Return the number of workers, up to ``at_most``, with which a step takes the least time."""
    cost = {"compute_seconds": compute_seconds, "fixed_seconds": fixed_seconds, "size": size, "link": link}
    return max(range(1, at_most + 1), key=lambda n: speed_up(n, **cost))


def scaled_rate(step: int, *, rate: float, batch_size: int, base_batch_size: int, warmup_steps: int = 0) -> float:
    """Return the learning rate of ``step`` (from 0) by the linear scaling rule with a gradual warm-up.

    ``rate`` is that for batches of ``base_batch_size``. It is multiplied by the ratio of the batch sizes; in the first
    ``warmup_steps`` steps it grows in equal parts from ``rate`` to there. Source: P. Goyal and others 2017,
    "Accurate, large minibatch SGD", arXiv 1706.02677, sections 2.1 and 2.2.
    """
    if min(rate, batch_size, base_batch_size) <= 0 or warmup_steps < 0:
        raise ValueError("rate and both batch sizes must be above 0, and warmup_steps at least 0.")
    peak = rate * batch_size / base_batch_size
    done = 1.0 if not warmup_steps else min(1.0, step / warmup_steps)
    return rate + (peak - rate) * done


def bytes_of(arrays: Sequence[np.ndarray]) -> int:
    """Return the bytes of all arrays together."""
    return sum(math.prod(np.shape(array)) * np.dtype(array.dtype).itemsize for array in arrays)
