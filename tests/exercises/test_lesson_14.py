"""The checkers of lesson 14 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (78.4e6, "in bytes"),
        (19.6, "four bytes"),
        (39.2, "half of the way"),
        (39, "half of the way"),
        (89.6, "the limit"),
        (716.8, "an n-th"),
        (627.2, "an n-th"),
        (50, "is not the number of messages"),
        (79, "is not the number of messages"),
        (float("nan"), "is not the number of messages"),
    ],
)
def test_bytes_in_a_ring(answer, reason):
    assert verdict("14.1", 78.4)[0] is True
    assert verdict("14.1", 78)[0] is True  # rounded
    assert reason in refused("14.1", answer)


def of_all(means, variances, counts):
    shares = counts / counts.sum()
    mean = shares @ means
    return mean, shares @ (variances + (means - mean) ** 2)


def in_place(means, variances, counts):
    result = of_all(means, variances, counts)
    means -= result[0]
    return result


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda m, v, c: (m.mean(axis=0), of_all(m, v, c)[1]), "weight the means by the counts"),
        (lambda m, v, c: (of_all(m, v, c)[0] + 1, of_all(m, v, c)[1]), "mean is not that of all"),
        (lambda m, v, c: (of_all(m, v, c)[0], c / c.sum() @ v), "leaves out by how much"),
        (lambda m, v, c: (of_all(m, v, c)[0], v.mean(axis=0)), "leaves out by how much"),
        (lambda m, v, c: (of_all(m, v, c)[0], c / c.sum() @ v + m.var(axis=0)), "weighted by the counts as well"),
        (lambda m, v, c: (of_all(m, v, c)[0], 2 * of_all(m, v, c)[1]), "variance is not that of all"),
        (lambda m, v, c: (m.mean(), v.mean()), "returned shapes"),
        (in_place, "changed the arrays"),
    ],
)
def test_statistics_of_unequal_parts(answer, reason):
    assert verdict("14.2", of_all)[0] is True
    assert reason in refused("14.2", answer)


def noise(small, large, b, big):
    return (small - large) / (1 / b - 1 / big)


def gradient(small, large, b, big):
    return (big * large - b * small) / (big - b)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (noise, "is to be divided"),
        (lambda *given: noise(*given) / given[1], "still has noise"),
        (lambda *given: gradient(*given) / max(noise(*given), 1e-9), "not the other way round"),
        (lambda *given: 7.0, "it returned 7"),
    ],
)
def test_noise_of_the_gradient(answer, reason):
    assert verdict("14.3", lambda *given: noise(*given) / gradient(*given))[0] is True
    assert reason in refused("14.3", answer)


def test_a_ring_of_eight_sends_what_the_exercise_says():
    from cnn_course.scaling import ring_all_reduce

    sent = ring_all_reduce([np.zeros(1120)] * 8)[1]
    assert max(sent) * 4 / 100 == pytest.approx(78.4)
