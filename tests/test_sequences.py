"""Sequences: sizes by formula, the gradient through time against the product of Jacobians, what a delay does."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from cnn_course import datasets, sequences


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(0)


def test_rows_come_from_the_top_and_from_0_to_1():
    images = np.arange(2 * 3 * 4, dtype="uint8").reshape(2, 3, 4, 1) * 10
    rows = sequences.as_rows(images)
    assert (rows.dtype, rows.shape) == (np.float32, (2, 3, 4))
    np.testing.assert_allclose(rows[1, 2], np.array([200, 210, 220, 230]) / 255)


@pytest.mark.parametrize(
    "images", [np.zeros((2, 4, 4, 3), np.uint8), np.zeros((2, 4, 4, 1)), np.zeros((2, 4), np.uint8)]
)
def test_what_is_no_greyscale_image_is_refused(images):
    with pytest.raises(ValueError, match="Take a greyscale set"):
        sequences.as_rows(images)


def test_noise_follows_the_rows_and_is_the_same_for_the_same_seed():
    rows = np.random.default_rng(0).random((50, 6, 5), dtype=np.float32)
    longer = sequences.with_noise(rows, 7, seed=3)
    assert (longer.dtype, longer.shape) == (np.float32, (50, 13, 5))
    np.testing.assert_array_equal(longer[:, :6], rows)
    noise = longer[:, 6:]
    assert noise.min() >= 0
    assert noise.max() < 1
    assert abs(noise.mean() - 0.5) < 0.03
    np.testing.assert_array_equal(longer, sequences.with_noise(rows, 7, seed=3))
    assert not np.array_equal(longer, sequences.with_noise(rows, 7, seed=4))
    turned = sequences.with_noise(rows, 7, before=True, seed=3)
    np.testing.assert_array_equal(turned, np.roll(longer, 7, axis=1))
    np.testing.assert_array_equal(sequences.with_noise(rows, 0), rows)
    with pytest.raises(ValueError, match="at least 0"):
        sequences.with_noise(rows, -1)


@settings(deadline=None, max_examples=10)
@given(
    kind=st.sampled_from(sequences.KINDS),
    width=st.integers(1, 20),
    features=st.integers(1, 30),
    classes=st.integers(2, 11),
)
def test_the_formula_counts_the_weights_of_the_network(kind, width, features, classes):
    sizes = {"features": features, "classes": classes}
    model = sequences.sequence_network(kind, width=width, **sizes)
    assert model.count_params() == sequences.sequence_parameters(kind, width, **sizes)


@settings(deadline=None)
@given(kind=st.sampled_from(sequences.KINDS), parameters=st.integers(400, 60_000))
def test_the_width_is_the_largest_that_fits(kind, parameters):
    width = sequences.width_for(kind, parameters)
    assert sequences.sequence_parameters(kind, width) <= parameters < sequences.sequence_parameters(kind, width + 1)


def test_too_few_weights_and_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="too few"):
        sequences.width_for("LSTM", 50)
    for function in (sequences.sequence_parameters, lambda kind, width: sequences.sequence_network(kind, width=width)):
        with pytest.raises(ValueError, match="must be one of Conv1D, SimpleRNN, LSTM"):
            function("GRU", 4)


def test_the_forget_gate_begins_as_open_as_it_was_told():
    for bias, share in ((1.0, 0.731), (4.0, 0.982)):
        layer = sequences.sequence_network("LSTM", width=6, forget_bias=bias).get_layer("recurrent")
        nothing, cell = np.zeros((1, 6), "float32"), np.full((1, 6), 0.5, "float32")
        _, (_, kept) = layer.cell(np.zeros((1, 28), "float32"), [nothing, cell])
        np.testing.assert_allclose(np.asarray(kept) / cell, share, atol=1e-3)


@pytest.mark.parametrize("kind", sequences.KINDS)
def test_it_answers_for_sequences_of_any_length(kind):
    model = sequences.sequence_network(kind, width=6)
    for length in (28, 35):
        rows = np.random.default_rng(0).random((3, length, 28), dtype=np.float32)
        assert model(rows).shape == (3, 10)


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 999))
def test_the_gradient_of_a_simple_network_is_a_product_of_jacobians(seed):
    rng = np.random.default_rng(seed)
    model = sequences.sequence_network("SimpleRNN", width=5, features=3, classes=4)
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    rows, labels = rng.normal(size=(6, 8, 3)).astype("float32"), rng.integers(0, 4, 6)
    W, U, b, V, c = (weight.astype("float64") for weight in model.get_weights())
    expected = np.zeros((6, 8))
    for k in range(6):
        h, states = np.zeros(5), []
        for x in rows[k]:
            h = np.tanh(x @ W + h @ U + b)
            states.append(h)
        gradient = V @ (special.softmax(h @ V + c) - np.eye(4)[labels[k]])
        for t in reversed(range(8)):
            expected[k, t] = np.linalg.norm(gradient)
            gradient = U @ np.diag(1 - states[t] ** 2) @ gradient
    np.testing.assert_allclose(sequences.gradient_norms(model, rows, labels), expected.mean(axis=0), rtol=1e-3)


def test_the_gradient_by_the_cell_of_an_lstm_is_that_of_finite_differences():
    model = sequences.sequence_network("LSTM", width=3, features=2, classes=4)
    rng = np.random.default_rng(1)
    W, U, b, V, c = (rng.normal(0, 0.7, weight.shape) for weight in model.get_weights())
    model.set_weights([W, U, b, V, c])
    rows, label = rng.normal(size=(1, 6, 2)), 2

    def loss_with(change, after):
        h, cell = np.zeros(3), np.zeros(3)
        for t, x in enumerate(rows[0]):
            i, f, g, o = np.split(x @ W + h @ U + b, 4)
            cell = special.expit(f) * cell + special.expit(i) * np.tanh(g) + (change if t == after else 0)
            h = special.expit(o) * np.tanh(cell)
        return -special.log_softmax(h @ V + c)[label]

    expected = [
        np.linalg.norm([(loss_with(e, t) - loss_with(-e, t)) / 2e-5 for e in 1e-5 * np.eye(3)]) for t in range(6)
    ]
    found = sequences.gradient_norms(model, rows.astype("float32"), np.array([label]))
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_convolution_has_no_memory_to_ask_for():
    model = sequences.sequence_network("Conv1D", width=4)
    with pytest.raises(ValueError, match="no memory"):
        sequences.gradient_norms(model, np.zeros((1, 28, 28), "float32"), np.zeros(1, int))


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM"])
def test_a_recurrent_network_can_answer_from_the_largest_of_all_its_states(kind):
    last = sequences.sequence_network(kind, width=6, forget_bias=2.0)
    model = sequences.sequence_network(kind, width=6, forget_bias=2.0, readout="largest")
    assert model.count_params() == last.count_params() == sequences.sequence_parameters(kind, 6)
    model.set_weights(last.get_weights())
    rows = np.random.default_rng(0).random((3, 8, 28), dtype=np.float32)
    states = np.stack([last.get_layer("recurrent")(rows[:, : t + 1]) for t in range(8)])
    expected = states.max(axis=0) @ last.get_weights()[-2] + last.get_weights()[-1]
    np.testing.assert_allclose(model(rows), expected, atol=1e-5)
    with pytest.raises(ValueError, match="answers from all of its states"):
        sequences.gradient_norms(model, rows, np.zeros(3, int))


def test_an_unknown_readout_is_refused():
    with pytest.raises(ValueError, match="must be one of last, largest"):
        sequences.sequence_network("SimpleRNN", width=4, readout="mean")


def test_the_convolution_reads_digits_with_noise_behind_them():
    digits = datasets.load("mnist5k").split(1000, 0, 300).train
    rows = sequences.with_noise(sequences.as_rows(digits.images), 14)
    model = sequences.sequence_network("Conv1D", width=24)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(5e-3), loss, metrics=["accuracy"], jit_compile=False)
    history = model.fit(rows, digits.labels, batch_size=50, epochs=4, verbose=0).history
    assert history["accuracy"][-1] > 0.7
