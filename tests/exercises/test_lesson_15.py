"""The checkers of lesson 15 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (80 / 110, "the Dice coefficient"),
        (40 / 60, "recall"),
        (40 / 50, "precision"),
        (40 / 110, "counts the intersection twice"),
        (0.2, "is not the intersection"),
    ],
)
def test_intersection_over_union(answer, reason):
    assert verdict("15.1", 40 / 70)[0] is True
    assert verdict("15.1", 0.57)[0] is True
    assert reason in refused("15.1", answer)


def counts(predicted, truth, classes):
    masks = [(predicted == k, truth == k) for k in range(classes)]
    return np.array([(p & t).sum() for p, t in masks]), np.array([(p | t).sum() for p, t in masks])


def mean_iou(predicted, truth, classes):
    common, union = counts(predicted, truth, classes)
    return (common[union > 0] / union[union > 0]).mean()


def unguarded(predicted, truth, classes):
    common, union = counts(predicted, truth, classes)
    return (common / union).mean()


def absent_as_zero(predicted, truth, classes):
    common, union = counts(predicted, truth, classes)
    return (common / np.maximum(union, 1)).mean()


def all_together(predicted, truth, classes):
    common, union = counts(predicted, truth, classes)
    return common.sum() / union.sum()


def without_ground(predicted, truth, classes):
    common, union = counts(predicted, truth, classes)
    return (common[1:] / np.maximum(union[1:], 1)).mean()


def over(present):
    """Return the mean over the classes that ``present`` finds in the two arrays."""

    def mean(predicted, truth, classes):
        common, union = counts(predicted, truth, classes)
        found = present(np.unique(predicted), np.unique(truth))
        return (common[found] / union[found]).mean()

    return mean


def in_place(predicted, truth, classes):
    result = mean_iou(predicted, truth, classes)
    truth[:] = 0
    return result


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (unguarded, "0 / 0"),
        (absent_as_zero, "counts as 0"),
        (all_together, "all classes together"),
        (without_ground, "the ground"),
        (over(lambda predicted, truth: truth), "only one of the two arrays"),
        (over(lambda predicted, truth: predicted), "only one of the two arrays"),
        (over(np.intersect1d), "only one of the two arrays"),
        (lambda p, t, k: (p == t).mean(), "share of right pixels"),
        (lambda p, t, k: 2.0, "not the mean over the classes"),
        (in_place, "changed the arrays"),
    ],
)
def test_mean_over_classes(answer, reason):
    assert verdict("15.2", mean_iou)[0] is True
    assert verdict("15.2", over(np.union1d))[0] is True
    assert reason in refused("15.2", answer)


def gru(x, h, W, U, b, *, swapped=False, reset_after=False, order=(0, 1, 2)):
    (W_z, W_r, W_h), (U_z, U_r, U_h), (b_z, b_r, b_h) = (
        [np.split(each, 3, axis=-1)[k] for k in order] for each in (W, U, b)
    )
    z, r = 1 / (1 + np.exp(-(x @ W_z + h @ U_z + b_z))), 1 / (1 + np.exp(-(x @ W_r + h @ U_r + b_r)))
    candidate = np.tanh(x @ W_h + (r * (h @ U_h) if reset_after else (r * h) @ U_h) + b_h)
    return (1 - z) * h + z * candidate if swapped else z * h + (1 - z) * candidate


def overwriting(x, h, W, U, b):
    h[:] = gru(x, h, W, U, b)
    return h


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda *given: gru(*given, swapped=True), "shares are swapped"),
        (lambda *given: gru(*given, reset_after=True), "before the matrix U_g"),
        (lambda *given: gru(*given, order=(1, 0, 2)), "first third"),
        (lambda x, h, W, U, b: gru(x, h, W, U, 0 * b), "biases are missing"),
        (lambda *given: gru(*given)[0], "it returned"),
        (lambda x, h, W, U, b: np.tanh(h), "not that of Keras"),
        (overwriting, "changed the state"),
    ],
)
def test_step_of_a_gru(answer, reason):
    assert verdict("15.3", gru)[0] is True
    assert reason in refused("15.3", answer)
