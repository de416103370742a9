"""Fake quantization against TensorFlow's, folding against the network itself, and training until int8 is no worse."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_course import datasets, lesson, models, training
from cnn_course.quantization import (
    LiteRTClassifier,
    RoundedMaps,
    convert,
    fake_quantize,
    fold_batch_norm,
    quantization_aware,
)
from cnn_course.quantization.aware import rounded_kernel


@given(
    low=st.floats(-8, 0, width=32), high=st.floats(0.25, 8, width=32), seed=st.integers(0, 99), symmetric=st.booleans()
)
@settings(deadline=None, max_examples=40)
def test_values_and_gradients_are_those_of_tensorflow(low, high, seed, symmetric):
    low = -high if symmetric else low
    values = tf.constant(np.random.default_rng(seed).uniform(2 * low - 1, 2 * high, 200), tf.float32)
    weight = tf.range(1.0, 201.0)
    found = []
    for rounding in (
        lambda x: fake_quantize(x, np.float32(low), np.float32(high), symmetric=symmetric),
        lambda x: tf.quantization.fake_quant_with_min_max_vars(x, low, high, narrow_range=symmetric),
    ):
        with tf.GradientTape() as tape:
            tape.watch(values)
            rounded = rounding(values)
            total = tf.reduce_sum(weight * rounded)
        found.append((rounded.numpy(), tape.gradient(total, values).numpy()))
    (ours, our_slope), (theirs, their_slope) = found
    step = (high - low) / 254
    # A value in the middle of two levels, or at the end of the range, may fall to either side.
    assert (np.abs(ours - theirs) > 1e-4 * step).mean() <= 0.02
    assert np.abs(ours - theirs).max() <= 1.01 * step
    assert (our_slope != their_slope).mean() <= 0.02


def test_zero_stays_zero():
    assert float(fake_quantize(np.float32(0), np.float32(-0.3333), np.float32(1.7))) == 0


def test_each_channel_of_a_convolution_has_its_own_range():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 2)).astype("float32") * np.array([1, 100], "float32")
    rounded = np.asarray(rounded_kernel(kernel))
    for channel in range(2):
        step = np.abs(kernel[..., channel]).max() / 127
        levels = rounded[..., channel] / step
        np.testing.assert_allclose(levels, np.round(levels), atol=1e-3)
        assert np.abs(rounded - kernel)[..., channel].max() <= 0.501 * step


@pytest.fixture(scope="module")
def shapes():
    return datasets.load("shapes10", size=900).split(600, 0, 300)


@pytest.fixture(scope="module")
def network(shapes):
    """Return a network that was trained a little."""
    lesson.seed_everything(0)
    model = models.resnet8()
    model.compile(keras.optimizers.Adam(3e-3), training.SmoothedCrossentropy(0.0), jit_compile=False)
    model.fit(shapes.train.images, shapes.train.labels, batch_size=30, epochs=5, verbose=0)
    return model


def test_folding_changes_nothing_and_leaves_no_normalisation(network, shapes):
    before = network.predict(shapes.test.images, verbose=0)
    folded = fold_batch_norm(network)
    assert not [layer for layer in folded.layers if isinstance(layer, keras.layers.BatchNormalization)]
    np.testing.assert_allclose(folded.predict(shapes.test.images, verbose=0), before, atol=1e-3)
    np.testing.assert_array_equal(network.predict(shapes.test.images, verbose=0), before)


def test_a_normalisation_that_follows_no_convolution_is_refused():
    inputs = keras.Input((8, 8, 3))
    pooled = keras.layers.MaxPooling2D()(inputs)
    with pytest.raises(ValueError, match="follows no bare convolution"):
        fold_batch_norm(keras.Model(inputs, keras.layers.BatchNormalization()(pooled)))


@pytest.mark.parametrize("also", ["beside", "an output"])
def test_a_convolution_that_is_also_used_without_its_normalisation_is_refused(also):
    inputs = keras.Input((8, 8, 3))
    maps = keras.layers.Conv2D(4, 3, name="conv")(inputs)
    normal = keras.layers.BatchNormalization(name="norm")(maps)
    outputs = keras.layers.Add()([maps, normal]) if also == "beside" else [maps, normal]
    with pytest.raises(ValueError, match="What conv returns is also used without norm"):
        fold_batch_norm(keras.Model(inputs, outputs))


def test_a_sequential_model_is_folded_and_rounded_too():
    keras.utils.set_random_seed(0)
    model = models.small_cnn((8, 8, 3), 4, widths=(3, 5), units=6, batch_norm=True)
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3)).astype("float32")
    model.get_layer(index=2).moving_mean.assign([0.1, -0.1, 0.2])
    expected = np.asarray(model(images, training=False))
    folded = fold_batch_norm(model)
    assert not [layer for layer in folded.layers if isinstance(layer, keras.layers.BatchNormalization)]
    np.testing.assert_allclose(folded(images), expected, atol=1e-4)
    rounded = np.asarray(quantization_aware(folded, images)(images))
    np.testing.assert_allclose(rounded, expected, atol=0.1 * np.abs(expected).max())
    plain = models.small_cnn((8, 8, 3), 4, widths=(3,), units=6)
    names = {layer.name for layer in quantization_aware(plain, images).layers}
    convolution, relu = plain.layers[1].name, plain.layers[2].name
    assert f"{relu}_rounded" in names
    assert f"{convolution}_rounded" not in names  # its result goes into the ReLU, and is rounded there


def test_what_cannot_be_rounded_is_refused(network, shapes):
    with pytest.raises(ValueError, match="fold_batch_norm"):
        quantization_aware(network, shapes.train.images[:8])
    inputs = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match="is a Softmax; rounding is known for"):
        quantization_aware(keras.Model(inputs, keras.layers.Softmax()(inputs)), np.zeros((1, 8, 8, 3)))
    probabilities = keras.layers.Dense(4, "softmax", name="last")(keras.layers.Flatten()(inputs))
    with pytest.raises(ValueError, match="last has the activation softmax"):
        quantization_aware(keras.Model(inputs, probabilities), np.zeros((1, 8, 8, 3)))


def pixels_added_later(pixels):
    """The pixels have two readers, one of them further up."""
    maps = keras.layers.Conv2D(3, 3, padding="same")(pixels)
    return keras.layers.Add()([maps, pixels])


def pixels_read_twice(pixels):
    """Two convolutions read the pixels."""
    maps = [keras.layers.Conv2D(4, size, padding="same")(pixels) for size in (3, 1)]
    return keras.layers.ReLU()(keras.layers.Add()(maps))


def maps_read_with_and_without_relu(pixels):
    """What a convolution returns goes into a ReLU and past it."""
    before = keras.layers.Conv2D(4, 3, padding="same")(pixels)
    after = keras.layers.Conv2D(4, 3, padding="same")(keras.layers.ReLU()(before))
    return keras.layers.Add()([before, after])


@pytest.mark.parametrize("body", [pixels_added_later, pixels_read_twice, maps_read_with_and_without_relu])
def test_a_branched_network_becomes_a_file_of_integers_alone(body):
    keras.utils.set_random_seed(0)
    pixels = keras.Input((8, 8, 3))
    logits = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(body(pixels)))
    images = np.random.default_rng(0).uniform(0, 255, (20, 8, 8, 3)).astype("float32")
    aware = quantization_aware(keras.Model(pixels, logits), images)
    content = convert(aware, "int8")
    assert not {"float32", "float16"} & tensor_types(content)
    found, expected = LiteRTClassifier(content).predict(images), aware.predict(images, verbose=0)
    np.testing.assert_allclose(found, expected, atol=0.02 * np.ptp(expected))


def test_a_file_that_would_compute_in_floating_point_is_refused(network, shapes):
    """A layer behind an aware network has no range of its own."""
    aware = quantization_aware(fold_batch_norm(network), shapes.train.images[:50])
    doubled = keras.Model(aware.input, keras.layers.Rescaling(2.0)(keras.layers.Softmax()(aware.output)))
    with pytest.raises(ValueError, match="computed in floating point"):
        convert(doubled, "int8")


def test_the_integer_file_is_what_was_trained(network, shapes):
    images = shapes.test.images
    aware = quantization_aware(fold_batch_norm(network), shapes.train.images[:100])
    before = LiteRTClassifier(convert(aware, "int8"))
    assert before.dtypes == (np.int8, np.int8)
    assert "float32" not in tensor_types(convert(aware, "int8"))

    lesson.seed_everything(0)
    aware.compile(keras.optimizers.Adam(1e-3), training.SmoothedCrossentropy(0.0), jit_compile=False)
    ranges = [np.asarray(weights.value) for weights in aware.non_trainable_weights]
    losses = aware.fit(shapes.train.images, shapes.train.labels, batch_size=30, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    moved = [np.asarray(weights.value) for weights in aware.non_trainable_weights]
    assert any((a != b).any() for a, b in zip(ranges, moved, strict=True)), "the ranges follow the batches"

    expected = aware.predict(images, verbose=0)
    found = LiteRTClassifier(convert(aware, "int8")).predict(images)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.97
    # Much nearer than the network before this training is.
    apart = np.abs(found - expected).mean()
    assert apart < 0.1 * np.abs(before.predict(images) - expected).mean()


def test_the_range_of_maps_follows_training_batches_only():
    rounding = RoundedMaps(momentum=0.5)
    maps = np.array([[-2.0, 4.0]], "float32")
    rounding(maps)
    assert (float(rounding.minimum), float(rounding.maximum)) == (0.0, 1.0)
    rounding(maps, training=True)
    assert (float(rounding.minimum), float(rounding.maximum)) == (-1.0, 2.5)


def test_an_aware_network_can_be_saved(network, shapes, tmp_path):
    aware = quantization_aware(fold_batch_norm(network), shapes.train.images[:50])
    aware.save(tmp_path / "aware.keras")
    loaded = keras.models.load_model(tmp_path / "aware.keras")
    images = shapes.test.images[:20]
    np.testing.assert_allclose(loaded.predict(images, verbose=0), aware.predict(images, verbose=0), atol=1e-5)


def tensor_types(content):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    return {np.dtype(tensor["dtype"]).name for tensor in interpreter.get_tensor_details()}
