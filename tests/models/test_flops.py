"""Operations, exactly as TensorFlow's own profiler counts convolutions, matrix products and biases."""

import keras
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from tensorflow.python.profiler import model_analyzer, option_builder

from cnn_course import models

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
    assert models.count_flops(model) == profiled(model)


@pytest.mark.parametrize("build", [models.resnet8, models.cifar_cnn, lambda: models.student((32, 32, 3))])
def test_operations_of_whole_networks_are_those_of_the_profiler(build):
    model = build()
    assert models.count_flops(model) == pytest.approx(profiled(model), rel=1e-3)


def test_open_sizes_are_refused():
    with pytest.raises(ValueError, match="Build the network with a fixed input shape"):
        models.count_flops(models.student())
