"""The checkers of lesson 07 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused
from scipy import special

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (0.665, "at temperature 1"),
        (0.867, "not multiplied"),
        (0.3326, "before the softmax"),
        (50.65, "in percent"),
        (0.1, "is not e^1"),
    ],
)
def test_probability_at_a_temperature(answer, reason):
    assert verdict("07.1", 0.5065)[0] is True
    assert verdict("07.1", 0.51)[0] is True
    assert reason in refused("07.1", answer)


def targets(logits, temperature):
    return special.softmax(logits / temperature, axis=-1).mean(axis=0)


def unstable(logits, temperature):
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(logits / temperature)
        return (powers / powers.sum(axis=-1, keepdims=True)).mean(axis=0)


def in_place(logits, temperature):
    logits /= temperature
    return special.softmax(logits, axis=-1).mean(axis=0)


def clipped(logits, temperature):
    powers = np.exp(np.clip(logits / temperature, -20, 20))
    return (powers / powers.sum(axis=-1, keepdims=True)).mean(axis=0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda z, t: special.softmax(z.mean(axis=0) / t, axis=-1), "each teacher's probabilities first"),
        (lambda z, t: targets(z, 1), "does not use"),
        (lambda z, t: targets(z, 1 / t), "not multiplied"),
        (lambda z, t: targets(z, t) * 3, "not the mean"),
        (lambda z, t: special.softmax(z / t, axis=-1), "axis should be gone"),
        (lambda z, t: special.softmax(z / t, axis=0).mean(axis=0), "are not the mean"),
        (unstable, "overflow"),
        (clipped, "cut off"),
        (lambda z, t: np.nan_to_num(unstable(z, t)), "cut off"),
        (in_place, "changed the logits"),
    ],
)
def test_targets_of_several_teachers(answer, reason):
    assert verdict("07.2", targets)[0] is True
    assert reason in refused("07.2", answer)


def parts(p, q, label, *, divide=True, factor=False):
    sure = [np.array([x[label], 1 - x[label]]) for x in (p, q)]
    others = [np.delete(x, label) / (1 - x[label] if divide else 1) for x in (p, q)]
    second = special.rel_entr(*others).sum()
    return special.rel_entr(*sure).sum(), second * (1 - p[label]) if factor else second


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda p, q, label: parts(p, q, label)[::-1], "the other way round"),
        (lambda p, q, label: parts(q, p, label), "of q from p"),
        (lambda p, q, label: parts(p, q, label, divide=False), "divided by their sum"),
        (lambda p, q, label: parts(p, q, label, factor=True), "still has its factor"),
        (lambda p, q, label: parts(p, q, (label + 1) % 6), "Put together they give"),
        (lambda p, q, label: (special.rel_entr(p, q).sum(), 0.0), "not the two parts"),
        (lambda p, q, label: 3.0, "two numbers"),
    ],
)
def test_two_parts_of_the_divergence(answer, reason):
    assert verdict("07.3", parts)[0] is True
    assert reason in refused("07.3", answer)
