"""First weights against their definitions."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_course import datasets, models, training


@given(st.integers(2, 3), st.integers(1, 3), st.integers(0, 1000))
@settings(deadline=None, max_examples=10)
def test_whitened_patches_are_uncorrelated_with_variance_one_and_come_with_their_opposites(size, channels, seed):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(60, 9, 8, channels)).cumsum(axis=1).cumsum(axis=2).astype("float32")  # smooth pictures
    kernel = training.whitening_kernel(images, size=size, epsilon=0.0)
    filters = size * size * channels
    assert kernel.shape == (size, size, channels, 2 * filters)
    np.testing.assert_array_equal(kernel[..., filters:], -kernel[..., :filters])
    answers = np.asarray(keras.ops.conv(images, kernel[..., :filters])).reshape(-1, filters)
    np.testing.assert_allclose(np.cov(answers, rowvar=False), np.eye(filters), atol=2e-2)


def test_whitening_does_not_blow_up_a_direction_in_which_nothing_varies():
    images = np.random.default_rng(0).normal(size=(50, 6, 6, 1)).repeat(3, axis=-1)  # grey: three equal channels
    kernel = training.whitening_kernel(images, epsilon=1e-2)
    assert np.linalg.norm(kernel.reshape(12, 24), axis=0).max() < 10.1  # 1 / sqrt(epsilon)


def test_the_first_layer_is_filled_from_the_images_as_the_network_sees_them():
    data = datasets.load("shapes10", size=100)
    model = models.fast_network(widths=(4,))
    training.initialise_whitening(model, data.images)
    seen = keras.Model(model.inputs, model.get_layer("whitening").output).predict(data.images, verbose=0)
    answers = np.asarray(seen)[..., :12].reshape(-1, 12)
    variances = np.cov(answers, rowvar=False).diagonal()
    assert variances[0] == pytest.approx(1, abs=0.05)  # the strongest direction
    assert variances.max() < 1.05


def test_identity_kernels_hand_their_input_on():
    keras.utils.set_random_seed(0)
    model = models.fast_network(widths=(30, 8))
    before = [np.asarray(model.get_layer(f"block1_{k}_conv").kernel) for k in (1, 2)]
    training.initialise_identity(model)
    maps = np.random.default_rng(0).normal(size=(2, 5, 5, 30)).astype("float32")
    convolved = {name: np.asarray(keras.ops.conv(maps[..., : kernel.shape[2]], kernel, padding="same"))
                 for name in ("block1_1", "block1_2", "block2_1")
                 for kernel in [model.get_layer(f"{name}_conv").kernel]}  # fmt: skip
    np.testing.assert_allclose(convolved["block1_1"][..., :24], maps[..., :24], atol=1e-6)  # 24 channels into 30
    np.testing.assert_allclose(convolved["block1_2"], maps, atol=1e-6)  # 30 into 30
    np.testing.assert_allclose(convolved["block2_1"], maps[..., :8], atol=1e-6)  # 30 into 8
    first = np.asarray(model.get_layer("block1_1_conv").kernel)
    np.testing.assert_array_equal(first[..., 24:], before[0][..., 24:])  # the other six stay random
