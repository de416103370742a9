"""The checkers of lesson 00 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(("answer", "reason"), [(784, "one image"), (64 * 28, "not the product")])
def test_numbers_in_a_batch(answer, reason):
    assert verdict("00.1", 50176) == (True, "Exercise 00.1: right.")
    assert reason in refused("00.1", answer)


def accuracy_in_a_loop(labels, probabilities):
    return sum(int(np.argmax(row)) == label for row, label in zip(probabilities, labels, strict=True)) / len(labels)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda labels, probabilities: probabilities.argmax(axis=1) == labels, "array of shape (40,)"),
        (lambda labels, probabilities: np.mean(probabilities.argmin(axis=1) == labels), "of 40 rows right"),
        (lambda labels, probabilities: np.sum(probabilities.argmax(axis=1) == labels), "of 40 rows right"),
        (lambda labels: 0.5, "TypeError"),
    ],
)
def test_accuracy_of_probabilities(answer, reason):
    assert verdict("00.2", accuracy_in_a_loop)[0] is True
    assert reason in refused("00.2", answer)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda images: np.zeros(len(images)), "90 % are asked for"),
        (lambda images: (images[:, 12:16, 12:16].mean(axis=(1, 2, 3)) < 60).astype(int), "exchanged"),
        (lambda images: images > 60, "not an array of shape"),
    ],
)
def test_zeros_and_ones_by_rule(answer, reason):
    by_ink = lambda images: (images.mean(axis=(1, 2, 3)) < 27).astype(int)  # noqa: E731  a zero takes more ink than a one
    assert verdict("00.3", by_ink)[0] is True
    assert reason in refused("00.3", answer)
