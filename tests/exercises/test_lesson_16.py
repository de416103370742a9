"""The checkers of lesson 16 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict

WEIGHTS = 3 * 3 * 64 * 128


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (WEIGHTS, "number of its parameters"),
        (WEIGHTS * 256, "multiply-adds"),
        (2 * WEIGHTS * 196, "valid"),
        (1000, "is not 2"),
    ],
)
def test_operations_of_a_convolution(answer, reason):
    assert verdict("16.1", 37_748_736)[0] is True
    assert reason in refused("16.1", answer)


def front(*columns):
    columns = [*columns[:-1], -columns[-1]]
    no_worse = np.all([each[:, None] <= each for each in columns], axis=0)
    better = np.any([each[:, None] < each for each in columns], axis=0)
    return ~(no_worse & better).any(axis=0)


def twins_beat_each_other(*columns):
    columns = [*columns[:-1], -columns[-1]]
    no_worse = np.all([each[:, None] <= each for each in columns], axis=0)
    return no_worse.sum(axis=0) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda s, m, a: ~front(s, m, a), "are dominated"),
        (lambda s, m, a: front(s, a), "milliseconds do not count"),
        (lambda s, m, a: front(m, a), "size does not count"),
        (twins_beat_each_other, "Two equal networks"),
        (lambda s, m, a: front(s, m, -a), "the front is"),
        (lambda s, m, a: np.flatnonzero(front(s, m, a))[:2], "returned the shape"),
    ],
)
def test_front_of_two_costs(answer, reason):
    assert verdict("16.2", front)[0] is True
    assert reason in refused("16.2", answer)


def cheapest(accuracy, milliseconds, error_price, millisecond_price):
    return int(np.argmin((1 - accuracy / 100) * error_price + milliseconds * millisecond_price))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda a, m, e, p: cheapest(a, -m, -e, p), "dearest"),
        (lambda a, m, e, p: cheapest(a, m, 100 * e, p), "per cent"),
        (lambda a, m, e, p: cheapest(a, m, p, e), "exchanged"),
        (lambda a, m, e, p: a.argmax(), "one of the two only"),
        (lambda a, m, e, p: m.argmin(), "one of the two only"),
        (lambda a, m, e, p: a.argmin(), "is cheaper"),
    ],
)
def test_cheapest_answer(answer, reason):
    assert verdict("16.3", cheapest)[0] is True
    assert reason in refused("16.3", answer)
