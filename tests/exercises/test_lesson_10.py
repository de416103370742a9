"""The checkers of lesson 10 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused
from scipy import special

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (np.log(1000), "not asked about itself"),
        (np.log(500), "two views"),
        (np.log(499), "two views"),
        (np.log10(999), "base 10"),
        (0.0, "tell them apart"),
        (5.0, "equal similarity"),
    ],
)
def test_loss_of_a_collapsed_network(answer, reason):
    assert verdict("10.1", 6.9068)[0] is True
    assert reason in refused("10.1", answer)


def units(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def across(first, second, temperature, *, divide=True, partner=True):
    if divide:
        first, second = units(first), units(second)
    logits = first @ second.T / temperature
    choices = logits if partner else np.where(np.eye(len(logits), dtype=bool), -np.inf, logits)
    return special.logsumexp(choices, axis=1) - np.diag(logits)


def unstable(first, second, temperature):
    logits = units(first) @ units(second).T / temperature
    return np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)


def in_place(first, second, temperature):
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return across(first, second, temperature)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda a, b, t: across(a, b, t, divide=False), "length 1"),
        (lambda a, b, t: across(b, a, t), "transposed"),
        (lambda a, b, t: across(a, b, 1 / t), "not multiplied"),
        (lambda a, b, t: across(a, b, 1.0), "does not use"),
        (lambda a, b, t: across(a, b, t, partner=False), "belongs into the sum"),
        (lambda a, b, t: across(a, b, t).mean(), "one value for each"),
        (lambda a, b, t: across(a, b, t) + 1, "are not the logarithm"),
        (unstable, "overflow"),
        (in_place, "changed the outputs"),
    ],
)
def test_loss_across_views(answer, reason):
    assert verdict("10.2", across)[0] is True
    assert reason in refused("10.2", answer)


def shares(cosines, partner, temperature):
    return special.softmax(np.delete(cosines, partner) / temperature)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda c, p, t: special.softmax(c / t), "no negative"),
        (lambda c, p, t: np.delete(special.softmax(c / t), p), "without the partner"),
        (lambda c, p, t: shares(c, p, 1 / t), "not multiplied"),
        (lambda c, p, t: shares(c, p, 1.0), "does not use"),
        (lambda c, p, t: shares(c, p, t)[::-1], "the first share is"),
        (lambda c, p, t: shares(c, p, t).max(), "returned the shape"),
    ],
)
def test_pushes_of_the_negatives(answer, reason):
    assert verdict("10.3", shares)[0] is True
    assert reason in refused("10.3", answer)
