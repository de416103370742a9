"""The architectures: how many weights they have, what they return, and what they hardly notice."""

import itertools

import keras
import numpy as np
import pytest

from cnn_course import models


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(0)


@pytest.mark.parametrize("build", [models.mlp, models.averaging_cnn, models.cifar_cnn, models.small_cnn])
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


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stages", [((4,),), ((8,), (12,), (16,)), ((8, 16), (16, 16), (20,))])
def test_the_averaging_cnn_has_the_weights_of_its_stages(stages, padding):
    widths = (1, *[width for stage in stages for width in stage])
    convolutions = sum(9 * before * after for before, after in itertools.pairwise(widths))
    normalisations = 4 * sum(widths[1:])
    model = models.averaging_cnn(stages=stages, padding=padding)
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


@pytest.mark.parametrize(("width", "blocks", "channels"), [(4, 1, 3), (8, 3, 1), (48, 3, 3)])
def test_the_cifar_cnn_has_the_weights_of_its_blocks(width, blocks, channels):
    widths = [width * 2**k for k in range(blocks)]
    inputs = [channels, *widths[:-1]]
    convolutions = sum(9 * (before * after + after * after) for before, after in zip(inputs, widths, strict=True))
    normalisations = 2 * 4 * sum(widths)
    model = models.cifar_cnn((32, 32, channels), 10, width=width, blocks=blocks)
    assert model.count_params() == convolutions + normalisations + widths[-1] * 10 + 10


def test_the_cifar_cnn_halves_the_image_in_each_block():
    model = models.cifar_cnn((32, 24, 3), width=2)
    sizes = [layer.output.shape[1:3] for layer in model.layers if isinstance(layer, keras.layers.ReLU)]
    assert sizes == [(16, 12), (16, 12), (8, 6), (8, 6), (4, 3), (4, 3)]


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_the_small_cnn_adds_the_squares_of_its_kernels_to_the_loss(l2):
    model = models.small_cnn((8, 8, 3), 4, widths=(3, 5), units=6, l2=l2)
    kernels = [weights for weights in model.get_weights() if weights.ndim > 1]
    assert len(kernels) == 4
    expected = [l2 * float((kernel**2).sum()) for kernel in kernels] if l2 else []
    np.testing.assert_allclose([float(loss) for loss in model.losses], expected, rtol=1e-5)


def test_the_small_cnn_drops_units_in_training_only():
    model = models.small_cnn((8, 8, 3), 4, widths=(3,), units=64, dropout=0.5)
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(model(images), model(images))
    assert not np.array_equal(model(images, training=True), model(images, training=True))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_small_cnn_has_a_bias_or_batch_normalisation_but_not_both(batch_norm):
    model = models.small_cnn((8, 8, 3), 4, widths=(3, 5), units=6, batch_norm=batch_norm)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    normalisations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.use_bias for layer in convolutions] == [not batch_norm] * 2
    assert len(normalisations) == (2 if batch_norm else 0)
