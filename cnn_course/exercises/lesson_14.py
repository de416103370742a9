"""The exercises of lesson 14."""

from collections.abc import Callable

import numpy as np

from cnn_course.exercises import Wrong, exercise


@exercise(
    "14.1",
    hint="The gradient has as many bytes as the weights, S. Each worker sends 2 (n - 1) messages of S / n bytes.",
    solution="""
size = 11.2 * 4  # million bytes
answer = 2 * (8 - 1) / 8 * size
""",
)
def bytes_in_a_ring(answer: float) -> None:
    """How many megabytes does each of 8 workers of a ring send for 11.2 million weights in float32?"""
    answer = float(answer)
    size = 11.2 * 4
    right = 2 * 7 / 8 * size

    def is_about(value: float) -> bool:
        return abs(answer - value) <= 0.5  # it may have been rounded

    if is_about(right):
        return
    if np.isclose(answer, right * 1e6, rtol=0.01):
        raise Wrong("That is in bytes; the answer is wanted in megabytes.")
    if is_about(right / 4):
        raise Wrong("A weight in float32 has four bytes.")
    if is_about(right / 2):
        raise Wrong("That is half of the way: after the sums are complete, they have to go round.")
    if is_about(2 * size):
        raise Wrong("That is the limit for very many workers; for 8 it is somewhat less.")
    if is_about(2 * 8 * size) or is_about(2 * 7 * size):
        raise Wrong("Each message is only an n-th of the gradient.")
    raise Wrong(f"{answer:.4g} is not the number of messages times the size of one.")


@exercise(
    "14.2",
    hint="The mean of all is the mean of the means, weighted by the counts. The mean square of a part is its variance "
    "plus the square of its mean; the variance of all is the mean square of all minus the square of the mean of all.",
    solution="""
import numpy as np


def statistics_of_all(means, variances, counts):
    shares = np.asarray(counts) / np.sum(counts)
    mean = shares @ means
    variance = shares @ (variances + (means - mean) ** 2)
    return mean, variance


answer = statistics_of_all
""",
)
def statistics_of_unequal_parts(answer: Callable) -> None:
    """Write statistics_of_all(means, variances, counts): mean and variance of all values, from those of their parts."""
    rng = np.random.default_rng(0)
    for counts in (np.array([6, 6, 6]), np.array([3, 11, 30, 7])):
        parts = [rng.normal(size=(count, 5)) * rng.uniform(0.5, 3, 5) + rng.normal(size=5) for count in counts]
        means = np.array([part.mean(axis=0) for part in parts])
        variances = np.array([part.var(axis=0) for part in parts])
        given = means.copy(), variances.copy()
        mean, variance = (np.asarray(value) for value in answer(means, variances, counts))
        if not (np.array_equal(means, given[0]) and np.array_equal(variances, given[1])):
            raise Wrong("It changed the arrays that it was given.")
        if mean.shape != (5,) or variance.shape != (5,):
            raise Wrong(f"For 5 channels it returned shapes {mean.shape} and {variance.shape}.")
        values, shares = np.concatenate(parts), counts / counts.sum()
        if len(set(counts)) > 1 and np.allclose(mean, means.mean(axis=0)):
            raise Wrong("A part with more values counts for more: weight the means by the counts.")
        if not np.allclose(mean, values.mean(axis=0)):
            raise Wrong("The mean is not that of all values.")
        if np.allclose(variance, values.var(axis=0)):
            continue
        if np.allclose(variance, shares @ variances) or np.allclose(variance, variances.mean(axis=0)):
            raise Wrong("The mean of the variances leaves out by how much the means of the parts differ.")
        if np.allclose(variance, shares @ variances + means.var(axis=0)):
            raise Wrong("The squared differences of the means are to be weighted by the counts as well.")
        raise Wrong("The variance is not that of all values.")


@exercise(
    "14.3",
    hint="There are two equations, small = G2 + s / b and large = G2 + s / B, and two unknown numbers, G2 and s. Their "
    "difference gives s.",
    solution="""
def noise_scale(small, large, b, B):
    s = (small - large) / (1 / b - 1 / B)
    squared = (B * large - b * small) / (B - b)
    return s / squared


answer = noise_scale
""",
)
def noise_of_the_gradient(answer: Callable) -> None:
    """Write noise_scale(small, large, b, B): s / |G|^2 from mean squared lengths over b and over B images."""
    for squared, s, b, big in ((2.0, 300.0, 10, 200), (0.5, 40.0, 32, 1024), (1.0, 0.0, 8, 64)):
        small, large = squared + s / b, squared + s / big
        result = float(answer(small, large, b, big))
        if np.isclose(result, s / squared):
            continue
        if np.isclose(result, s):
            raise Wrong("That is the noise s; it is to be divided by the squared length of the true gradient.")
        if np.isclose(result, s / large):
            raise Wrong("The gradient over B images still has noise: its squared length is not |G|^2.")
        if np.isclose(result * s, squared) or np.isclose(result, squared):
            raise Wrong("Noise over gradient is wanted, not the other way round.")
        raise Wrong(f"For |G|^2 = {squared:g} and s = {s:g} it returned {result:.4g} and not {s / squared:.4g}.")
