"""The exercises of lesson 11."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from cnn_course.exercises import Wrong, exercise


@exercise(
    "11.1",
    hint="How many decades are there from 0.0001 to 1? On a logarithmic scale each of them gets the same share.",
    solution="""
answer = 1 / 4
""",
)
def share_of_a_decade(answer: float) -> None:
    """Rates are drawn from 0.0001 to 1, uniformly on a logarithmic scale. Which share lies between 0.01 and 0.1?"""
    answer = float(answer)
    if np.isclose(answer, 0.09, atol=2e-3):
        raise Wrong("That is the share of draws that are uniform on the ordinary scale.")
    if np.isclose(answer, 1 / 5) or np.isclose(answer, 1 / 3, atol=5e-3):
        raise Wrong("Count the decades once more: 0.0001 to 0.001 is the first.")
    if np.isclose(answer, 25):
        raise Wrong("That is the share in per cent.")
    if not np.isclose(answer, 1 / 4):
        raise Wrong(f"{answer:.4g} is not (log 0.1 - log 0.01) / (log 1 - log 0.0001).")


@exercise(
    "11.2",
    hint="With z = (mean - best) / deviation it is (mean - best) * cdf(z) + deviation * pdf(z), with cdf and pdf of "
    "scipy.stats.norm. Where the deviation is 0 the value is known: the gain is mean - best, or nothing.",
    solution="""
import numpy as np
from scipy import stats


def expected_improvement(mean, deviation, best):
    gain = mean - best
    z = gain / np.where(deviation > 0, deviation, 1)
    uncertain = gain * stats.norm.cdf(z) + deviation * stats.norm.pdf(z)
    return np.where(deviation > 0, uncertain, np.maximum(gain, 0))


answer = expected_improvement
""",
)
def what_a_trial_would_gain(answer: Callable) -> None:
    """Write expected_improvement(mean, deviation, best): the mean of max(value - best, 0) for normal values."""
    rng = np.random.default_rng(0)
    mean, deviation, best = rng.normal(0.6, 0.1, 20), rng.uniform(0.02, 0.2, 20), 0.62
    given = mean.copy(), deviation.copy()
    result = np.asarray(answer(mean, deviation, best), dtype=float)
    if not (np.array_equal(mean, given[0]) and np.array_equal(deviation, given[1])):
        raise Wrong("It changed the arrays that it was given.")
    if result.shape != mean.shape:
        raise Wrong(f"For 20 means and deviations it returned the shape {result.shape}.")
    z = (mean - best) / deviation
    right = deviation * (z * stats.norm.cdf(z) + stats.norm.pdf(z))
    if np.allclose(result, stats.norm.cdf(z)):
        raise Wrong("That is the probability of an improvement, which does not ask how large it is.")
    if np.allclose(result, np.maximum(mean - best, 0)):
        raise Wrong("That is the improvement of the mean: an uncertain value below the best may still exceed it.")
    if np.allclose(result, deviation * (-z * stats.norm.cdf(-z) + stats.norm.pdf(z))):
        raise Wrong("That is the improvement where small values are better; here large scores are.")
    if not np.allclose(result, right, atol=1e-6):
        raise Wrong("The values are not the mean of max(value - best, 0); compare yours with many normal draws.")
    certain = np.asarray(answer(np.array([0.5, best, 0.7]), np.zeros(3), best), dtype=float)
    if not np.allclose(certain, [0, 0, 0.08], atol=1e-6):
        raise Wrong("Where the deviation is 0, the improvement is mean - best, and 0 where that is negative.")
    z = (0.6 - best) / 0.1
    some = np.asarray(answer(np.array([0.5, best, 0.7, 0.6]), np.array([0, 0, 0, 0.1]), best), dtype=float)
    if not np.allclose(some, [0, 0, 0.08, 0.1 * (z * stats.norm.cdf(z) + stats.norm.pdf(z))], atol=1e-6):
        raise Wrong(f"With the deviations 0, 0, 0 and 0.1 it returned {some}; each has to be treated on its own.")


@exercise(
    "11.3",
    hint="scores[tried[:, 0], tried[:, 1]] are the scores of the trials, and argmax finds the winner. np.delete leaves "
    "its seed out of the row of its setting.",
    solution="""
import numpy as np


def reported_and_repeated(scores, tried):
    setting, seed = tried[np.argmax(scores[tried[:, 0], tried[:, 1]])]
    return scores[setting, seed], np.delete(scores[setting], seed).mean()


answer = reported_and_repeated
""",
)
def best_trial_and_its_repetition(answer: Callable) -> None:
    """Write reported_and_repeated(scores, tried): the best trial's score, and its setting's mean over other seeds."""
    rng = np.random.default_rng(1)
    for count, shape in ((1, (10, 4)), (8, (7, 6)), (25, (12, 3))):
        scores = rng.uniform(0.4, 0.6, shape) + rng.normal(0, 0.05, (shape[0], 1))
        tried = np.array(np.unravel_index(rng.choice(scores.size, count, replace=False), scores.shape)).T
        given = scores.copy(), tried.copy()
        result = answer(scores, tried)
        if not (np.array_equal(scores, given[0]) and np.array_equal(tried, given[1])):
            raise Wrong("It changed the arrays that it was given.")
        if np.shape(result) != (2,):
            raise Wrong("It should return two numbers, the reported score and the repeated one.")
        reported, repeated = (float(value) for value in result)
        setting, seed = max(tried.tolist(), key=lambda each: scores[each[0], each[1]])
        if np.isclose(reported, scores.max()) and not np.isclose(reported, scores[setting, seed]):
            raise Wrong("That is the best of all scores; only the trials in tried were made.")
        if not np.isclose(reported, scores[setting, seed]):
            raise Wrong(
                f"Of these {count} trials it reports {reported:.4f}, and the best is {scores[setting, seed]:.4f}."
            )
        if np.isclose(repeated, scores[setting].mean()):
            raise Wrong("The mean includes the trial that won; its own luck has to stay out.")
        if np.isclose(repeated, np.delete(scores[setting], seed).max()):
            raise Wrong("The largest of the other seeds is chosen by its luck, too; take their mean.")
        if not np.isclose(repeated, np.delete(scores[setting], seed).mean()):
            raise Wrong(f"The mean over the other {shape[1] - 1} seeds of the winner's setting is not {repeated:.4f}.")
