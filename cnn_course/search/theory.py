"""The mathematics of a search: the best of many, Hyperband's rounds, a Gaussian process, a curve of the best so far."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import integrate, stats


def expected_maximum(n: int) -> float:
    """Return the mean of the largest of ``n`` independent draws from the standard normal distribution.

    The largest is below x when all are, with probability Φ(x)ⁿ; its density is the derivative of that.
    """
    if n < 1:
        raise ValueError(f"n is {n}; the largest of so many draws does not exist.")

    def part(x: float) -> float:
        return x * n * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1)

    return float(integrate.quad(part, -10, 10)[0])


def expected_inflation(n: int, noise: float, spread: float) -> float:
    """Return by how much the best score of ``n`` trials exceeds the mean score of its own setting, on average.

    The model: the mean scores of the settings are normal with standard deviation ``spread``, and a trial adds to its
    setting's mean a normal error with standard deviation ``noise``. Of what a score is above the mean of all, the share
    noise² / (noise² + spread²) is error, on average, and the best one is above it by expected_maximum(n) deviations.
    """
    return expected_maximum(n) * noise**2 / math.hypot(noise, spread) if noise else 0.0


def hyperband_brackets(max_epochs: int, factor: int = 3) -> list[list[tuple[int, int]]]:
    """Return the rounds (trials, epochs that each has had by the end of the round) of each bracket of Hyperband.

    L. Li and others 2018, "Hyperband", arXiv 1603.06560, algorithm 1, with max_epochs for the R of the source. Numbers
    of trials are rounded up, as KerasTuner does; the source rounds down after the first round.
    """
    if max_epochs < 1 or factor < 2:
        raise ValueError(f"max_epochs is {max_epochs} and factor {factor}; they must be at least 1 and 2.")
    deepest = 0
    while factor ** (deepest + 1) <= max_epochs:
        deepest += 1
    return [
        [
            (
                math.ceil((deepest + 1) / (s + 1) * factor ** (s - i)),
                math.ceil(max_epochs / factor ** (s - i)),
            )
            for i in range(s + 1)
        ]
        for s in range(deepest, -1, -1)
    ]


class GaussianProcess:
    """The posterior of a function with the Matérn covariance, ν = 5/2; can stand in for scikit-learn's regressor.

    C. Rasmussen and C. Williams 2006, "Gaussian processes for machine learning", algorithm 2.1 and equation 4.17. The
    values are normalised to mean 0 and standard deviation 1 first. Of the ``length_scales`` that one is taken under
    which the data are most likely: a short list instead of an optimiser, for speed.

    Args:
        length_scales: Distances within which values are alike; one or more, all above 0.
        noise: Variance of the error of one value, as a share of the variance of all values.
    """

    def __init__(self, *, length_scales: Sequence[float] = (0.1, 0.2, 0.4, 0.8, 1.6), noise: float = 1e-4) -> None:
        if min(length_scales, default=0) <= 0 or noise <= 0:
            raise ValueError(f"length_scales are {length_scales} and noise is {noise}; all must be above 0.")
        self.length_scales = tuple(length_scales)
        self.noise = noise

    def fit(self, x: np.ndarray, y: np.ndarray) -> "GaussianProcess":
        """Take the places ``x`` (n, d) and the values ``y`` (n,) that were measured there; return itself."""
        self.x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        self.mean, self.scale = y.mean(), y.std() or 1.0
        normalised = (y - self.mean) / self.scale
        found = []
        for length in self.length_scales:
            inverse = np.linalg.inv(matern(self.x, self.x, length) + self.noise * np.eye(len(y)))
            likelihood = np.linalg.slogdet(inverse)[1] - normalised @ inverse @ normalised
            found.append((likelihood, length, inverse))
        _, self.length_scale, self.inverse = max(found, key=lambda each: each[0])
        self.weights = self.inverse @ normalised
        return self

    def predict(self, x: np.ndarray, return_std: bool = False) -> Any:
        """Return the mean (m,) at the places ``x`` (m, d), with ``return_std`` also the standard deviation (m,)."""
        near = matern(np.asarray(x, dtype=float), self.x, self.length_scale)
        mean = self.mean + self.scale * (near @ self.weights)
        if not return_std:
            return mean
        variance = 1 - ((near @ self.inverse) * near).sum(axis=1)
        return mean, self.scale * np.sqrt(np.maximum(variance, 1e-12))


def matern(a: np.ndarray, b: np.ndarray, length_scale: float) -> np.ndarray:
    """Return the Matérn covariance with ν = 5/2 between the rows of ``a`` (m, d) and ``b`` (n, d), as (m, n)."""
    r = math.sqrt(5) * np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=-1)) / length_scale
    return (1 + r + r**2 / 3) * np.exp(-r)


def best_so_far(costs: Sequence[float], scores: Sequence[float], at: Sequence[float]) -> np.ndarray:
    """Return the best of the scores that were there when each amount in ``at`` was spent; NaN before the first.

    Args:
        costs: What each trial cost, in the order of the trials.
        scores: Their scores, as many.
        at: Amounts of the budget, in any order.
    """
    costs, scores, at = (np.asarray(values, dtype=float) for values in (costs, scores, at))
    if len(costs) != len(scores):
        raise ValueError(f"There are {len(costs)} costs and {len(scores)} scores; each trial has one of each.")
    done = np.searchsorted(np.cumsum(costs), at + 1e-9, side="right")  # trials that were over by then
    best = np.concatenate([[np.nan], np.maximum.accumulate(scores)])
    return best[done]
