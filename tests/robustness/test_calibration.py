"""Calibration: by counting on small examples, and on labels that are drawn as confidently as the logits say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from cnn_course.robustness import fitted_temperature, reliability


def drawn(seed, count=20_000, classes=5):
    """Return logits, and labels drawn with the probabilities that these give."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, classes))
    labels = (rng.random((count, 1)) > special.softmax(logits, axis=1).cumsum(axis=1)).sum(axis=1)
    return logits, np.minimum(labels, classes - 1)


def test_four_images_are_counted_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.3, 0.7]])
    found = reliability(np.log(probabilities), np.array([0, 1, 1, 1]), bins=5)
    assert found.counts.tolist() == [0, 0, 0, 2, 2]
    np.testing.assert_allclose(found.confidence[3:], [0.7, 0.9])
    np.testing.assert_allclose(found.accuracy[3:], [1.0, 0.5])
    assert np.isnan(found.accuracy[:3]).all()
    assert found.expected_error == pytest.approx((0.3 + 0.4) / 2)


def test_a_confidence_of_one_is_in_the_last_bin():
    assert reliability(np.array([[1000.0, 0.0]]), np.array([0]), bins=10).counts.tolist() == [0] * 9 + [1]


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 999), temperature=st.floats(0.3, 5))
def test_the_temperature_of_overconfident_logits_is_found_and_repairs_them(seed, temperature):
    logits, labels = drawn(seed)
    distorted = temperature * logits
    assert fitted_temperature(distorted, labels) == pytest.approx(temperature, rel=0.05)
    assert reliability(distorted, labels, temperature=temperature).expected_error < 0.02


def test_overconfidence_shows_as_accuracy_below_confidence():
    logits, labels = drawn(0)
    found = reliability(4 * logits, labels)
    assert found.expected_error > 0.1
    filled = found.counts > 100
    assert (found.accuracy < found.confidence)[filled].all()


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="no images"):
        reliability(np.zeros((0, 3)), np.zeros(0, int))
