"""The checkers of lesson 02 accept right answers and say what is wrong with others."""

import keras
import numpy as np
import pytest
import scipy.special
from refusals import refused

from cnn_course import models
from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(0.1, "a probability"), (-2.3026, "sign"), (3.3219, "base"), (1.0, "base"), (10.0, "not it")],
)
def test_loss_of_a_guess(answer, reason):
    assert verdict("02.1", 2.303) == (True, "Exercise 02.1: right.")
    assert reason in refused("02.1", answer)


def unshifted(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def shifted_by_the_largest_of_all(logits):
    return unshifted(logits - logits.max())


def over_the_wrong_axis(logits):
    shifted = logits - logits.max(axis=0)
    return shifted - np.log(np.exp(shifted).sum(axis=0))


def over_the_second_axis(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (unshifted, "in the thousands it returned infinities"),
        (shifted_by_the_largest_of_all, "in the thousands it returned infinities"),
        (over_the_wrong_axis, "each row"),
        (over_the_second_axis, "For logits of three axes"),
        (lambda logits: scipy.special.softmax(logits, axis=-1), "the softmax itself"),
        (lambda logits: scipy.special.log_softmax(logits[0]), "an array of shape (10,)"),
    ],
)
def test_stable_log_softmax(answer, reason):
    assert verdict("02.2", lambda logits: scipy.special.log_softmax(logits, axis=-1))[0] is True
    assert reason in refused("02.2", answer)


def network(*layers):
    return lambda: keras.Sequential([keras.Input((28, 28, 1)), *layers])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda: "a network", "it returned str"),
        (models.mlp, "535,818 parameters"),
        (network(keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(9)), "it returns (4, 9)"),
        (network(keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10, activation="softmax")), "probabilities"),
        (network(keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)), "93% is asked"),
    ],
)
def test_small_network_refuses(answer, reason):
    assert reason in refused("02.3", answer)


def test_small_network_wants_the_function_and_not_what_it_returns():
    assert "Give the function build itself, not build()." in refused("02.3", models.mlp(units=()))


def test_small_network_accepts_another_than_the_stored_solution():
    separable = network(
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(12, 5, strides=2, activation="relu"),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.SeparableConv2D(24, 3, strides=2, activation="relu"),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    )
    assert verdict("02.3", separable)[0] is True
