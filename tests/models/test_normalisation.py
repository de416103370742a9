"""The fused batch normalisation: the same numbers as Keras' own layer, in training and afterwards."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from cnn_course.models.normalisation import FusedBatchNormalization


def trained(layer, images, target, steps=2):
    """Return outputs in training, gradients, weights after some steps, and outputs in inference."""
    layer.build(images.shape)
    for k, weights in enumerate(layer.trainable_weights):
        weights.assign(np.linspace(0.5, 1.5 + k, weights.shape[0]))
    for _ in range(steps):
        with tf.GradientTape() as tape:
            watched = tf.constant(images)
            tape.watch(watched)
            outputs = layer(watched, training=True)
            loss = tf.reduce_mean((tf.cast(outputs, tf.float32) - target) ** 2)
        gradients = tape.gradient(loss, [watched, *(weights.value for weights in layer.trainable_weights)])
    return [outputs, *gradients, *layer.weights, layer(images, training=False)]


@given(
    shape=st.tuples(st.integers(2, 5), st.integers(1, 4), st.integers(1, 4), st.integers(1, 6)),
    scale=st.booleans(),
    center=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_it_computes_what_keras_computes(shape, scale, center, seed):
    random = np.random.default_rng(seed)
    images, target = random.normal(3, 2, (2, *shape)).astype("float32")
    arguments = {"momentum": 0.6, "scale": scale, "center": center}
    ours = trained(FusedBatchNormalization(**arguments), images, target)
    theirs = trained(layers.BatchNormalization(**arguments), images, target)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-3, atol=2e-4)


def test_in_bfloat16_it_returns_bfloat16_and_keeps_its_averages_in_float32():
    images = np.random.default_rng(0).normal(3, 2, (8, 5, 5, 4)).astype("float32")
    layer = FusedBatchNormalization(dtype="mixed_bfloat16")
    outputs = layer(images, training=True)
    assert outputs.dtype == tf.bfloat16
    assert {str(weights.dtype) for weights in layer.weights} == {"float32"}
    exact = layers.BatchNormalization()(images, training=True)
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), exact, atol=0.03)


def test_frozen_it_keeps_its_averages_even_in_training():
    images = np.random.default_rng(0).normal(3, 2, (8, 5, 5, 4)).astype("float32")
    layer = FusedBatchNormalization()
    layer.build(images.shape)
    layer.trainable = False
    np.testing.assert_allclose(layer(images, training=True), layer(images, training=False))
    np.testing.assert_array_equal(layer.moving_mean, 0)


@pytest.mark.parametrize("shape", [(6, 4), (6, 5, 4)])
def test_what_is_no_stack_of_maps_is_left_to_keras(shape):
    values = np.random.default_rng(0).normal(size=shape).astype("float32")
    np.testing.assert_allclose(
        FusedBatchNormalization()(values, training=True), layers.BatchNormalization()(values, training=True), atol=1e-5
    )


def test_it_comes_back_from_a_file(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 3)), FusedBatchNormalization(momentum=0.6)])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.layers[-1]) is FusedBatchNormalization
