"""The recipes of lesson 02 keep their budgets, and are trained as they say."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cnn_course import datasets, digits, models


@pytest.fixture(scope="module")
def few():
    return datasets.load("mnist5k").split(train_size=200, seed=0).train


def network(recipe):
    return getattr(models, recipe.network)(**recipe.arguments)


def test_the_compared_networks_see_the_same_images_equally_often():
    names = ("MLP", "CNN as large", "CNN as good")
    settings = {
        (recipe.epochs, recipe.batch_size, recipe.augmentation) for recipe in (digits.RECIPES[name] for name in names)
    }
    assert len(settings) == 1


def test_the_networks_have_the_sizes_that_the_lesson_compares():
    sizes = {name: network(recipe).count_params() for name, recipe in digits.RECIPES.items()}
    assert sizes["MLP"] == 784 * 512 + 512 + 512 * 256 + 256 + 256 * 10 + 10
    assert sizes["CNN as large"] == pytest.approx(sizes["MLP"], rel=1e-3)
    assert sizes["CNN as good"] < sizes["MLP"] / 100
    assert sizes["compact"] < 10_000


def test_training_follows_the_seed_and_the_epochs_given(few):
    weights, lengths = [], []
    for seed in (0, 0, 1):
        keras.utils.set_random_seed(seed)
        model, history = digits.train_recipe(digits.RECIPES["CNN as good"], few, seed=seed, epochs=2, batch_size=50)
        weights.append(np.concatenate([values.ravel() for values in model.get_weights()]))
        lengths.append(len(history["loss"]))
    assert lengths == [2, 2, 2]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert np.abs(weights[0] - weights[2]).max() > 0.01


def test_augmentation_reaches_the_network(few, monkeypatch):
    seen = []

    class Recorded(digits.RandomAffine):
        def __call__(self, images):
            seen.append(self.amounts)
            return super().__call__(images)

    monkeypatch.setattr(digits, "RandomAffine", Recorded)
    for name, expected in (("CNN as good", 0), ("compact", 1)):
        seen.clear()
        digits.train_recipe(digits.RECIPES[name], few.take(slice(20)), epochs=1, batch_size=10)
        assert bool(seen) == bool(expected)


def moved_by_scipy(image, degrees, zoom, right, down):
    """Turn, scale and move an image (height, width) about its middle by SciPy's own interpolation."""
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) / zoom  # in (row, column)
    middle = (np.array(image.shape) - 1) / 2
    offset = middle + np.array([down, right]) - matrix @ middle
    return ndimage.affine_transform(image, matrix, offset, order=1, mode="constant")


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), degrees=st.floats(0, 40), zoom=st.floats(0, 0.3), shift=st.floats(0, 4))
def test_random_affine_turns_scales_and_moves_as_scipy_does(seed, degrees, zoom, shift):
    image = np.random.default_rng(0).uniform(0, 255, (12, 15)).astype("float32")
    batch = np.repeat(image[None, ..., None], 3, axis=0)
    moved = digits.random_affine(batch, (seed, 1), shift=shift, degrees=degrees, zoom=zoom).numpy()[..., 0]
    draws = tf.random.stateless_uniform([4, 3], (seed, 1), -1, 1).numpy()
    for result, (angle, scale, right, down) in zip(moved, draws.T, strict=True):
        expected = moved_by_scipy(image, angle * degrees, 1 + scale * zoom, right * shift, down * shift)
        inside = ndimage.binary_erosion(expected > 0, iterations=2)  # the two treat the border itself differently
        np.testing.assert_allclose(result[inside], expected[inside], atol=0.2)


def test_random_affine_without_amounts_changes_nothing(few):
    images = few.images[:4].astype("float32")
    same = digits.random_affine(images, (0, 1), shift=0, degrees=0, zoom=0)
    np.testing.assert_allclose(same, images, atol=1e-3)


def test_each_image_and_each_batch_has_its_own_draw(few):
    images = np.repeat(few.images[:1], 4, axis=0).astype("float32")
    augment = digits.RandomAffine(seed=0)
    first, second = np.asarray(augment(images)), np.asarray(augment(images))
    everything = np.concatenate([first, second]).reshape(8, -1)
    assert len(np.unique(everything.round(2), axis=0)) == 8
