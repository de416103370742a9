"""The architectures: how many weights they have, what they return, and what they hardly notice."""

import itertools

import keras
import numpy as np
import pytest

from cnn_course import models


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(0)


@pytest.mark.parametrize("build", [models.mlp, models.averaging_cnn])
@pytest.mark.parametrize(("shape", "classes"), [((28, 28, 1), 10), ((20, 24, 3), 7)])
def test_it_returns_logits_for_pixels_as_they_are_stored(build, shape, classes):
    model = build(shape, classes)
    images = np.random.default_rng(0).integers(0, 256, (5, *shape)).astype("uint8")
    logits = np.asarray(model(images))
    assert logits.shape == (5, classes)
    assert logits.min() < 0  # not probabilities
    assert np.abs(logits).max() < 20  # not the sums of unscaled pixels
    np.testing.assert_allclose(model(images.astype("float32")), logits, rtol=1e-5, atol=1e-5)


def test_the_mlp_is_the_product_of_matrices_that_it_says():
    model = models.mlp((4, 4, 1), 3, units=(5, 6), activation="tanh")
    images = np.random.default_rng(0).integers(0, 256, (7, 4, 4, 1)).astype("float32")
    values = images.reshape(7, 16) / 255
    *hidden, (matrix, bias) = zip(*[iter(model.get_weights())] * 2, strict=True)
    for weights, offset in hidden:
        values = np.tanh(values @ weights + offset)
    np.testing.assert_allclose(model(images), values @ matrix + bias, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("units", [(), (30,), (512, 256)])
def test_the_mlp_has_the_weights_of_its_widths(units):
    widths = (784, *units, 10)
    expected = sum(before * after + after for before, after in itertools.pairwise(widths))
    assert models.mlp(units=units).count_params() == expected


@pytest.mark.parametrize("stages", [((4,),), ((8,), (12,), (16,)), ((8, 16), (16, 16), (20,))])
def test_the_averaging_cnn_has_the_weights_of_its_stages(stages):
    widths = (1, *[width for stage in stages for width in stage])
    convolutions = sum(9 * before * after for before, after in itertools.pairwise(widths))
    normalisations = 4 * sum(widths[1:])
    model = models.averaging_cnn(stages=stages)
    assert model.count_params() == convolutions + normalisations + widths[-1] * 10 + 10


def test_the_averaging_cnn_halves_the_image_between_its_stages_only():
    model = models.averaging_cnn((28, 28, 1), stages=((4, 4), (4,), (4,)))
    sizes = [layer.output.shape[1] for layer in model.layers if isinstance(layer, keras.layers.ReLU)]
    assert sizes == [28, 14, 7, 7]


def test_the_averaging_cnn_does_not_notice_a_shift_that_its_pooling_divides():
    model = models.averaging_cnn(stages=((4,), (4,), (4,)))
    image = np.zeros((1, 28, 28, 1), "float32")
    image[0, 10:14, 9:13] = np.random.default_rng(0).uniform(0, 255, (4, 4, 1))
    moved = np.roll(image, 4, axis=(1, 2))
    dense = models.mlp()
    np.testing.assert_allclose(model(image), model(moved), atol=1e-5)
    assert np.abs(np.asarray(dense(image)) - np.asarray(dense(moved))).max() > 0.01
