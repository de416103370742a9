"""Measures of features against scikit-learn, SciPy and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import spatial
from sklearn.neighbors import KNeighborsClassifier

from cnn_course import contrastive


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), k=st.integers(1, 9), temperature=st.floats(0.05, 2))
def test_nearest_neighbours_vote_as_in_scikit_learn(seed, k, temperature):
    rng = np.random.default_rng(seed)
    known, labels, asked = rng.normal(size=(40, 5)), rng.integers(0, 4, 40), rng.normal(size=(15, 5))
    judge = KNeighborsClassifier(
        k, metric="cosine", algorithm="brute", weights=lambda distance: np.exp((1 - distance) / temperature)
    )
    expected = judge.fit(known, labels).predict(asked)
    found = contrastive.nearest_neighbours(known, labels, asked, k=k, temperature=temperature)
    np.testing.assert_array_equal(found, expected)


def test_many_are_asked_in_parts_as_at_once():
    rng = np.random.default_rng(0)
    known, labels, asked = rng.normal(size=(50, 3)), rng.integers(0, 3, 50), rng.normal(size=(2500, 3))
    whole = contrastive.nearest_neighbours(known, labels, asked, k=5)
    last = contrastive.nearest_neighbours(known, labels, asked[2100:], k=5)
    np.testing.assert_array_equal(whole[2100:], last)


@pytest.mark.parametrize("k", [0, 41])
def test_no_more_votes_than_features(k):
    with pytest.raises(ValueError, match="from 1 to 40"):
        contrastive.nearest_neighbours(np.ones((40, 2)), np.zeros(40, int), np.ones((1, 2)), k=k)


def test_alignment_is_zero_for_the_same_direction_and_four_for_the_opposite():
    vectors = np.random.default_rng(0).normal(size=(9, 4))
    assert contrastive.alignment(vectors, 3 * vectors) == pytest.approx(0, abs=1e-6)
    assert contrastive.alignment(vectors, -vectors) == pytest.approx(4, abs=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(2, 30), t=st.floats(0.5, 4))
def test_uniformity_is_that_of_all_pairs(seed, n, t):
    vectors = np.random.default_rng(seed).normal(size=(n, 4))
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = np.log(np.exp(-t * spatial.distance.pdist(units, "sqeuclidean")).mean())
    assert contrastive.uniformity(vectors, t=t) == pytest.approx(expected, abs=1e-4)


def test_uniformity_is_zero_where_all_are_the_same():
    assert contrastive.uniformity(np.ones((5, 3))) == pytest.approx(0, abs=1e-6)
