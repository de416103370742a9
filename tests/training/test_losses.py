"""The smoothed loss against Keras' own."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_course import training


@given(st.integers(2, 6), st.integers(1, 8), st.floats(0, 0.9), st.integers(0, 1000))
@settings(deadline=None, max_examples=25)
def test_the_smoothed_loss_is_keras_own_on_one_hot_labels(classes, count, smoothing, seed):
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 3, (count, classes)).astype("float32")
    labels = generator.integers(0, classes, count)
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    ours = training.SmoothedCrossentropy(smoothing)
    for given_labels in (labels, labels[:, np.newaxis]):
        expected = float(theirs(np.eye(classes)[labels], logits))
        assert float(ours(given_labels, logits)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_smoothing_of_everything_is_refused():
    with pytest.raises(ValueError, match="from 0 to below 1"):
        training.SmoothedCrossentropy(1.0)
