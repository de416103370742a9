"""Muon against singular values and Keras' own SGD; what it saves."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_course import training


@given(st.integers(2, 20), st.integers(2, 20), st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_orthogonalising_keeps_the_singular_vectors_and_lifts_the_values(rows, columns, seed):
    matrix = np.random.default_rng(seed).normal(size=(rows, columns)).astype("float32")
    result = np.asarray(training.orthogonalise(matrix, steps=5))
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    inner = left.T @ result @ right.T  # diagonal, if the singular vectors are the same
    np.testing.assert_allclose(inner - np.diag(np.diag(inner)), 0, atol=2e-3)
    lifted = np.diag(inner)[values > 0.01 * np.linalg.norm(values)]
    assert 0.65 < lifted.min() <= lifted.max() < 1.25


def test_orthogonalising_does_not_depend_on_length_and_takes_many_matrices_at_once():
    matrices = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    together = np.asarray(training.orthogonalise(matrices))
    for matrix, result in zip(matrices, together, strict=True):
        np.testing.assert_allclose(training.orthogonalise(1000 * matrix), result, rtol=1e-3, atol=1e-4)


def steps_of(optimizer, start, gradients):
    variable = keras.Variable(start)
    path = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        path.append(np.asarray(variable))
    return path


@pytest.mark.parametrize(("shape", "factor"), [((5, 3), 2.0), ((4,), 7.0)])
def test_what_is_no_kernel_goes_where_keras_sgd_goes(shape, factor):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=shape).astype("float32"), rng.normal(size=(6, *shape)).astype("float32")
    ours = training.Muon(0.01, matrix_rate=2.0, vector_rate=7.0, sgd_momentum=0.8)
    theirs = keras.optimizers.SGD(0.01 * factor, momentum=0.8, nesterov=True)
    for mine, expected in zip(steps_of(ours, start, gradients), steps_of(theirs, start, gradients), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-5)


def test_a_kernel_keeps_its_length_and_is_turned_by_the_orthogonalised_momentum():
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(3, 3, 4, 6)).astype("float32"), rng.normal(size=(3, 3, 3, 4, 6))
    path = steps_of(training.Muon(0.1, momentum=0.5, steps=5), start, gradients.astype("float32"))
    velocity, kernel = np.zeros((36, 6)), start.reshape(36, 6)
    for gradient, result in zip(gradients.reshape(3, 36, 6), path, strict=True):
        velocity = 0.5 * velocity + gradient
        left, _, right = np.linalg.svd(gradient + 0.5 * velocity, full_matrices=False)
        exact = kernel * 6**0.5 / np.linalg.norm(kernel) - 0.1 * left @ right
        # The Newton-Schulz iteration brings singular values near 1, not to it: a third of the step at most.
        assert np.linalg.norm(result.reshape(36, 6) - exact) < 0.1 * 6**0.5 / 3
        kernel = result.reshape(36, 6)


def test_a_saved_model_keeps_its_muon(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten()])
    model.compile(training.Muon(training.TriangularSchedule(0.2, 9), momentum=0.5, steps=2, vector_rate=3.0), "mse")
    model.fit(np.ones((4, 4, 4, 1)), np.ones((4, 8)), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").optimizer
    assert loaded.get_config() == model.optimizer.get_config()
    for before, after in zip(model.optimizer.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(before), np.asarray(after))


@pytest.mark.parametrize("arguments", [{"steps": 0}, {"momentum": 1.0}, {"sgd_momentum": -0.1}])
def test_an_optimiser_that_cannot_be_is_refused(arguments):
    with pytest.raises(ValueError, match="at least one step"):
        training.Muon(0.1, **arguments)
