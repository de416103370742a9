"""The count of operations, against TensorFlow's own profiler and against counts by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from tensorflow.python.profiler import model_analyzer, option_builder

from cnn_course import convolution, models

COUNTED = ("Conv2D", "DepthwiseConv2dNative", "MatMul", "BiasAdd")


def profiled(model, kinds=(".*",)):
    """Return what TensorFlow's profiler counts of these kinds of operations for one input."""
    signature = tf.TensorSpec((1, *model.inputs[0].shape[1:]))
    graph = tf.function(lambda images: model(images, training=False)).get_concrete_function(signature).graph
    with graph.as_default():
        options = option_builder.ProfileOptionBuilder.float_operation()
        options = option_builder.ProfileOptionBuilder(options).with_empty_output().build()
        options["op_log_path"] = ""
        options["account_type_regexes"] = [f"^{kind}$" for kind in kinds]
        return model_analyzer.profile(graph, options=options, cmd="op").total_float_ops


@settings(max_examples=15, deadline=None)
@given(
    size=st.integers(7, 20),
    # One channel alone is added in another way, which the profiler does not count.
    channels=st.integers(2, 4),
    filters=st.integers(2, 6),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same"]),
    bias=st.booleans(),
    depthwise=st.booleans(),
)
def test_operations_of_convolutions_and_dense_layers_are_those_of_the_profiler(
    size, channels, filters, kernel, stride, padding, bias, depthwise
):
    kind = {"strides": stride, "padding": padding, "use_bias": bias}
    layer = layers.DepthwiseConv2D(kernel, **kind) if depthwise else layers.Conv2D(filters, kernel, **kind)
    model = keras.Sequential([keras.Input((size, size, channels)), layer, layers.Flatten(), layers.Dense(3)])
    assert models.count_flops(model) == profiled(model, COUNTED)


@pytest.mark.parametrize("build", [models.resnet8, models.cifar_cnn, lambda: models.student((32, 32, 3))])
def test_operations_of_whole_networks_are_those_of_the_profiler(build):
    model = build()
    assert models.count_flops(model) == pytest.approx(profiled(model, COUNTED), rel=1e-3)


@pytest.mark.parametrize(
    "build",
    [
        models.small_cnn,
        models.mlp,
        models.averaging_cnn,
        models.resnet8,
        lambda: models.hybrid_cnn(upper="convolution"),
    ],
)
def test_the_count_is_nearly_that_of_tensorflow_which_counts_small_things_too(build):
    model = build()
    ours, theirs = models.count_flops(model), profiled(model)
    assert ours <= theirs <= 1.1 * ours


def test_layers_are_counted_as_lesson_01_counts_them():
    inputs = keras.Input((12, 10, 4))
    x = layers.Conv2D(6, 3, strides=2, padding="same", groups=2)(inputs)
    x = layers.DepthwiseConv2D(3, use_bias=False, padding="same")(x)
    x = layers.Conv2DTranspose(5, 2, strides=2)(x)
    x = layers.Dense(7)(x)
    x = layers.Conv1D(3, 5, padding="same")(layers.Reshape((-1, 7))(x))
    expected = (
        convolution.conv2d_flops((12, 10), 3, 4, 6, stride=2, padding="same", groups=2)
        + convolution.conv2d_flops((6, 5), 3, 6, 6, padding="same", groups=6, bias=False)
        + 6 * 5 * 6 * 2 * 4 * 5
        + 12 * 10 * 5
        + 12 * 10 * convolution.dense_flops(5, 7)
        + convolution.conv2d_flops((120, 1), (5, 1), 7, 3, padding="same")
    )
    assert models.count_flops(keras.Model(inputs, x)) == expected


def test_a_model_within_a_model_is_counted():
    inner = models.mlp((8, 8, 1), units=(5,))
    inputs = keras.Input((8, 8, 1))
    assert models.count_flops(keras.Model(inputs, inner(inputs))) == models.count_flops(inner) > 0


@settings(deadline=None, max_examples=8)
@given(heads=st.integers(1, 4), share=st.integers(1, 5), positions=st.integers(1, 9))
def test_attention_is_counted_by_the_products_that_it_makes(heads, share, positions):
    channels = heads * share
    inputs = keras.Input((positions, channels))
    model = keras.Model(inputs, layers.MultiHeadAttention(heads, share, use_bias=False)(inputs, inputs))
    projections = 4 * positions * convolution.dense_flops(channels, channels, bias=False)
    scores_and_sums = 2 * heads * positions * convolution.dense_flops(share, positions, bias=False)
    assert models.count_flops(model) == projections + scores_and_sums


def test_a_layer_that_cannot_be_counted_is_named():
    model = keras.Sequential([keras.Input((5, 3)), layers.LSTM(4, name="memory")])
    with pytest.raises(ValueError, match="memory, a layer of type LSTM, cannot be counted"):
        models.count_flops(model)


def test_a_frozen_layer_that_cannot_be_counted_is_named_too():
    frozen = layers.SeparableConv2D(4, 3, name="separable", trainable=False)
    model = keras.Sequential([keras.Input((8, 8, 3)), frozen])
    with pytest.raises(ValueError, match="separable, a layer of type SeparableConv2D, cannot be counted"):
        models.count_flops(model)


def test_pixels_that_are_normalised_by_row_and_channel_cost_nothing():
    learned = layers.Normalization(axis=(1, 3))
    learned.adapt(np.random.default_rng(0).random((5, 8, 8, 3)))
    assert models.count_flops(keras.Sequential([keras.Input((8, 8, 3)), learned])) == 0


def test_an_open_size_is_named_with_the_remedy():
    inputs = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match=r"first has the open shape .* fixed input shape"):
        models.count_flops(keras.Model(inputs, layers.Conv2D(4, 3, name="first")(inputs)))
    with pytest.raises(ValueError, match="Build the network with a fixed input shape"):
        models.count_flops(models.student())
