"""Operations against TensorFlow's own profiler, and a cost that is measured on a small network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from tensorflow.python.profiler import model_analyzer, option_builder

from cnn_course import leaderboard, models

COUNTED = ("Conv2D", "DepthwiseConv2dNative", "MatMul", "BiasAdd")


def profiled(model):
    """Return what TensorFlow's profiler counts of convolutions, matrix products and biases for one image."""
    signature = tf.TensorSpec((1, *model.inputs[0].shape[1:]))
    graph = tf.function(lambda images: model(images, training=False)).get_concrete_function(signature).graph
    with graph.as_default():
        options = option_builder.ProfileOptionBuilder.float_operation()
        options = option_builder.ProfileOptionBuilder(options).with_empty_output().build()
        options["op_log_path"] = ""
        options["account_type_regexes"] = [f"^{kind}$" for kind in COUNTED]
        return model_analyzer.profile(graph, options=options, cmd="op").total_float_ops


@settings(max_examples=15, deadline=None)
@given(
    size=st.integers(7, 20),
    channels=st.integers(1, 4),
    filters=st.integers(1, 6),
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
    assert leaderboard.flops(model) == profiled(model)


@pytest.mark.parametrize("build", [models.resnet8, models.cifar_cnn, lambda: models.student((32, 32, 3))])
def test_operations_of_whole_networks_are_those_of_the_profiler(build):
    model = build()
    assert leaderboard.flops(model) == pytest.approx(profiled(model), rel=1e-3)


def test_layers_of_a_model_in_a_model_count_too():
    inner = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(4, 3)])
    outer = keras.Sequential([keras.Input((8, 8, 2)), inner, layers.Flatten(), layers.Dense(2)])
    assert leaderboard.flops(outer) == leaderboard.flops(inner) + 2 * 144 * 2 + 2


def test_open_sizes_and_other_kernels_are_refused():
    with pytest.raises(ValueError, match="Build the network with an input shape"):
        leaderboard.flops(models.student())
    other = keras.Sequential([keras.Input((8, 2)), layers.Conv1D(3, 3)])
    with pytest.raises(ValueError, match="a Conv1D, cannot be counted"):
        leaderboard.flops(other)


def test_a_cost_has_all_parts_and_views_count():
    model = models.student((32, 32, 3))
    images = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    one = leaderboard.measured(model, images[:1], images, repeats=3)
    assert one.parameters == model.count_params()
    assert one.flops == leaderboard.flops(model)
    assert one.bytes["float32"] > 4 * one.parameters * 0.9 > 2 * one.bytes["int8"]
    assert set(one.milliseconds) == {"model.predict", "Keras, one graph", "LiteRT float32", "LiteRT int8"}
    assert all(0 < median <= late for median, late in one.milliseconds.values())
    assert leaderboard.measured(model, images[:2], images, repeats=3).flops == 2 * one.flops
