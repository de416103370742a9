"""The checkers of lesson 12 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(0.64, "move down"), (0.438, "Euclidean"), (0.1, "at most 1"), (0.5, "is not the sum")],
)
def test_most_that_a_logit_can_rise(answer, reason):
    assert all(verdict("12.1", right)[0] is True for right in (0.8, [0.8], np.array([0.8])))
    assert reason in refused("12.1", answer)


def lengths(change):
    return np.sqrt((change**2).sum(axis=(1, 2, 3), keepdims=True))


def project(attacked, images, radius):
    change = attacked - images
    return images + change * np.minimum(1, radius / np.maximum(lengths(change), 1e-12))


def in_place(attacked, images, radius):
    result = project(attacked, images, radius)
    attacked[:] = result
    return result


def without_guard(attacked, images, radius):
    with np.errstate(divide="ignore", invalid="ignore"):
        change = attacked - images
        return images + change / lengths(change) * np.minimum(lengths(change), radius)


def black_where_unchanged(attacked, images, radius):
    return np.nan_to_num(without_guard(attacked, images, radius))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda a, x, r: x + np.clip(a - x, -r, r), "each value by itself"),
        (lambda a, x, r: x + (a - x) * r / lengths(a - x), "made longer"),
        (lambda a, x, r: x + (a - x) * min(1, r / np.linalg.norm(a - x)), "of all changes together"),
        (lambda a, x, r: project(a, x, r / 2), "do not have the direction"),
        (lambda a, x, r: project(a, x, r)[0], "it returned"),
        (in_place, "changed the arrays"),
        (without_guard, "no numbers"),
        (black_where_unchanged, "come back as it is"),
        (lambda a, x, r: project(a, x, 20), "the radius is an argument"),
    ],
)
def test_back_into_the_ball(answer, reason):
    assert verdict("12.2", project)[0] is True
    assert reason in refused("12.2", answer)


def gaps(confidence, right, parts):
    return np.array([right[part].mean() - confidence[part].mean() for part in parts]), [len(part) for part in parts]


def by_order(confidence, right, bins):
    return gaps(confidence, right, np.array_split(np.argsort(confidence), bins))


def adaptive_error(confidence, right, bins):
    found, sizes = by_order(confidence, right, bins)
    return np.average(np.abs(found), weights=sizes)


def equal_width(confidence, right, bins):
    place = np.clip((confidence * bins).astype(int), 0, bins - 1)
    found, sizes = gaps(confidence, right, [np.flatnonzero(place == k) for k in np.unique(place)])
    return np.average(np.abs(found), weights=sizes)


def unsorted(confidence, right, bins):
    found, sizes = gaps(confidence, right, np.array_split(np.arange(len(right)), bins))
    return np.average(np.abs(found), weights=sizes)


def signed(confidence, right, bins):
    found, sizes = by_order(confidence, right, bins)
    return np.average(found, weights=sizes)


def sorting(confidence, right, bins):
    result = adaptive_error(confidence, right, bins)
    confidence.sort()
    return result


def sorting_right(confidence, right, bins):
    order = np.argsort(confidence)
    right[:] = right[order]
    return adaptive_error(confidence, right, bins)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (signed, "must not cancel"),
        (equal_width, "equal width"),
        (unsorted, "sort them by confidence"),
        (lambda c, r, b: np.abs(by_order(c, r, b)[0]).mean(), "weight each by its size"),
        (lambda c, r, b: 0.5, "not the mean gap"),
        (sorting, "changed the arrays"),
        (sorting_right, "changed the arrays"),
    ],
)
def test_error_with_bins_of_equal_size(answer, reason):
    assert verdict("12.3", adaptive_error)[0] is True
    assert reason in refused("12.3", answer)
