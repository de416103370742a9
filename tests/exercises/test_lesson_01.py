"""The checkers of lesson 01 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


def assert_wrong(number, answer, reason):
    assert reason in refused(number, answer)


@pytest.mark.parametrize("answer", [(1, 112, 112, 64), [1, 112, 112, 64], np.array([1, 112, 112, 64])])
def test_the_shape_of_an_output(answer):
    assert verdict("01.1", answer) == (True, "Exercise 01.1: right.")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((112, 112, 64), "four dimensions"),
        ((1, 109, 109, 64), 'padding "valid"'),
        ((1, 112, 112, 3), "channels of the image"),
        ((1, 224, 224, 64), "is not the shape"),
        ((1, 111, 111, 64), "is not the shape"),
        (112, "tuple of whole numbers"),
    ],
)
def test_other_shapes_are_wrong(answer, reason):
    assert_wrong("01.1", answer, reason)


@pytest.mark.parametrize(
    "answer",
    [
        [[0, 1, 1], [-1, 0, 1], [-1, -1, 0]],
        [[0, -3, -1], [3, 0, -3], [1, 3, 0]],  # the sign does not matter
        [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],
    ],
)
def test_a_diagonal_kernel(answer):
    assert verdict("01.2", answer)[0] is True


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (np.zeros((2, 2)), "not (2, 2)"),
        (np.ones((3, 3)), "sum to 0"),
        ([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], "a vertical edge"),
        ([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], "a horizontal edge"),
        ([[2, 1, 0], [1, 0, -1], [0, -1, -2]], "with 3 and the diagonal one with 0"),
        ([[0, 3, 3], [-1, 0, 1], [-3, -3, 0]], "the other diagonal"),
        (np.zeros((3, 3)), "and the diagonal one with 0"),
        ([[np.nan] * 3] * 3, "and the diagonal one with nan"),
    ],
)
def test_kernels_for_other_edges_are_wrong(answer, reason):
    assert_wrong("01.2", answer, reason)


@pytest.mark.parametrize(
    "answer",
    [
        [(3, 1), (3, 2), (3, 4), (3, 8)],
        [(3, 9), (3, 3), (3, 1), (2, 4)],
        [(2, 1), (2, 2), (2, 4), (2, 8), (2, 16)],
        np.array([(3, 1), (3, 2), (3, 4), (3, 8)]),
    ],
)
def test_a_wide_field(answer):
    assert verdict("01.3", answer)[0] is True


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([(3, 1)] * 15, "34,800 parameters"),
        ([(3, 1)] * 4, "9 pixels"),
        ([(2, 30)], "only 2 reach"),
        ([(3, 5), (3, 10)], "gaps"),
        ([(31, 1)], "parameters"),
        ([(3, 0)], "dilation is 0"),
        ([3, 3, 3], "list of pairs"),
        ([], "list of pairs"),
    ],
)
def test_fields_that_are_narrow_full_of_holes_or_dear_are_wrong(answer, reason):
    assert_wrong("01.3", answer, reason)
