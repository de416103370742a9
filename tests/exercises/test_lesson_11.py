"""The checkers of lesson 11 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused
from scipy import stats

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (0.09, "ordinary scale"),
        (0.2, "Count the decades"),
        (1 / 3, "Count the decades"),
        (25, "per cent"),
        (0.5, "log"),
    ],
)
def test_share_of_a_decade(answer, reason):
    assert verdict("11.1", 0.25)[0] is True
    assert reason in refused("11.1", answer)


def expected_improvement(mean, deviation, best):
    draws = np.maximum(mean - best, 0)
    some = deviation > 0
    z = (mean[some] - best) / deviation[some]
    draws[some] = (mean[some] - best) * stats.norm.cdf(z) + deviation[some] * stats.norm.pdf(z)
    return draws


def of_small_values(mean, deviation, best):
    return expected_improvement(-mean, deviation, -best)


def without_guard(mean, deviation, best):
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (mean - best) / deviation
    return (mean - best) * stats.norm.cdf(z) + deviation * stats.norm.pdf(z)


def all_or_none(mean, deviation, best):
    return without_guard(mean, deviation, best) if np.any(deviation) else np.maximum(mean - best, 0)


def in_place(mean, deviation, best):
    result = expected_improvement(mean, deviation, best)
    mean -= best
    return result


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda m, d, b: stats.norm.cdf((m - b) / d), "probability"),
        (lambda m, d, b: np.maximum(m - b, 0), "improvement of the mean"),
        (of_small_values, "small values are better"),
        (lambda m, d, b: expected_improvement(m, d, b) * 2, "not the mean"),
        (lambda m, d, b: expected_improvement(m, d, b)[:3], "the shape"),
        (without_guard, "deviation is 0"),
        (all_or_none, "each has to be treated on its own"),
        (in_place, "changed the arrays"),
    ],
)
def test_what_a_trial_would_gain(answer, reason):
    assert verdict("11.2", expected_improvement)[0] is True
    assert reason in refused("11.2", answer)


def winner(scores, tried):
    return tried[np.argmax([scores[setting, seed] for setting, seed in tried])]


def reported_and_repeated(scores, tried):
    setting, seed = winner(scores, tried)
    return scores[setting, seed], (scores[setting].sum() - scores[setting, seed]) / (scores.shape[1] - 1)


def with_itself(scores, tried):
    setting, seed = winner(scores, tried)
    return scores[setting, seed], scores[setting].mean()


def of_four_seeds(scores, tried):
    setting, seed = winner(scores, tried)
    return scores[setting, seed], (scores[setting].sum() - scores[setting, seed]) / 3


def best_of_others(scores, tried):
    setting, seed = winner(scores, tried)
    return scores[setting, seed], np.delete(scores[setting], seed).max()


def in_place_trials(scores, tried):
    result = reported_and_repeated(scores, tried)
    tried[:] = 0
    return result


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda s, t: (s.max(), 0.5), "only the trials"),
        (lambda s, t: (s[t[:, 0], t[:, 1]].min() - 0.1, 0.5), "the best is"),
        (with_itself, "own luck"),
        (of_four_seeds, "the other 5 seeds"),
        (best_of_others, "chosen by its luck"),
        (lambda s, t: (reported_and_repeated(s, t)[0], 0.3), "is not 0.3"),
        (lambda s, t: reported_and_repeated(s, t)[0], "two numbers"),
        (in_place_trials, "changed the arrays"),
    ],
)
def test_best_trial_and_its_repetition(answer, reason):
    assert verdict("11.3", reported_and_repeated)[0] is True
    assert reason in refused("11.3", answer)
