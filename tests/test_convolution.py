"""Lesson 01's NumPy against TensorFlow, and its arithmetic against Keras' own layers and against counting."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_course.convolution import (
    ReceptiveField,
    Window,
    average_pool2d,
    conv2d,
    conv2d_flops,
    conv2d_input_gradient,
    conv2d_kernel_gradient,
    conv2d_loops,
    conv2d_parameters,
    dense_flops,
    dense_parameters,
    depthwise_conv2d,
    max_pool2d,
    output_size,
    padding_amounts,
    receptive_field,
)

TOLERANCE = 1e-5
modest = settings(deadline=None, max_examples=20, derandomize=True)
sizes = st.integers(1, 4)


@st.composite
def convolutions(draw, *, explicit=True):
    """Return (images, kernel, settings) of a convolution that is possible."""
    kernel = draw(st.tuples(sizes, sizes))
    stride, dilation = draw(st.sampled_from([((1, 1), (1, 1)), ((2, 2), (1, 1)), ((3, 1), (1, 1)), ((1, 1), (2, 3))]))
    groups = draw(st.integers(1, 3))
    channels, filters = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    side = st.tuples(st.integers(0, 2), st.integers(0, 2))
    padding = draw(st.sampled_from(["valid", "same"]) | (st.tuples(side, side) if explicit else st.nothing()))
    # As large as the kernel spans, so that it fits even without padding.
    height, width = (draw(st.integers(d * (k - 1) + 1, d * (k - 1) + 7)) for k, d in zip(kernel, dilation, strict=True))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    images = random.uniform(-1, 1, (draw(st.integers(1, 2)), height, width, channels)).astype(np.float32)
    weights = random.uniform(-1, 1, (*kernel, channels // groups, filters)).astype(np.float32)
    return images, weights, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


@tf.function(jit_compile=True, reduce_retracing=False)
def tensorflow_conv2d(images, kernel, stride, padding, dilation):
    """TensorFlow takes the number of groups from the shapes; XLA, unlike its CPU kernels, has them with a gradient."""
    padding = padding.upper() if isinstance(padding, str) else [(0, 0), *padding, (0, 0)]
    return tf.nn.conv2d(images, kernel, stride, padding, dilations=dilation)


def reference(images, kernel, chosen):
    return tensorflow_conv2d(
        tf.constant(images), tf.constant(kernel), chosen["stride"], chosen["padding"], chosen["dilation"]
    )


@modest
@given(convolutions())
def test_the_vectorised_convolution_agrees_with_tensorflow(case):
    images, kernel, chosen = case
    expected = reference(images, kernel, chosen).numpy()
    computed = conv2d(images, kernel, **chosen)
    assert computed.dtype == np.float32
    np.testing.assert_allclose(computed, expected, rtol=0, atol=TOLERANCE)


@modest
@given(convolutions())
def test_the_loops_agree_with_the_vectorised_convolution(case):
    images, kernel, chosen = case
    images, kernel = images[:1].astype(np.float64), kernel.astype(np.float64)
    np.testing.assert_allclose(
        conv2d_loops(images, kernel, **chosen), conv2d(images, kernel, **chosen), rtol=0, atol=1e-12
    )


@modest
@given(convolutions())
def test_the_gradients_agree_with_tensorflows_tape(case):
    images, kernel, chosen = case
    x, k = tf.Variable(images), tf.Variable(kernel)
    with tf.GradientTape() as tape:
        output = tensorflow_conv2d(x, k, chosen["stride"], chosen["padding"], chosen["dilation"])
        weights = np.random.default_rng(0).uniform(-1, 1, output.shape).astype(np.float32)
        loss = tf.reduce_sum(output * weights)
    of_images, of_kernel = tape.gradient(loss, [x, k])
    np.testing.assert_allclose(
        conv2d_input_gradient(images.shape, weights, kernel, **chosen), of_images, rtol=0, atol=TOLERANCE
    )
    np.testing.assert_allclose(
        conv2d_kernel_gradient(images, weights, kernel.shape, **chosen), of_kernel, rtol=0, atol=TOLERANCE
    )


@modest
@given(convolutions(explicit=False), st.integers(1, 3))
def test_the_depthwise_convolution_agrees_with_keras(case, multiplier):
    images, kernel, chosen = case
    stride = chosen["stride"][0]  # Keras wants the same in both directions here
    layer = keras.layers.DepthwiseConv2D(
        kernel.shape[:2], stride, chosen["padding"], multiplier, use_bias=False, dilation_rate=chosen["dilation"]
    )
    expected = layer(images).numpy()
    weights = layer.get_weights()[0]
    computed = depthwise_conv2d(images, weights, stride=stride, padding=chosen["padding"], dilation=chosen["dilation"])
    np.testing.assert_allclose(computed, expected, rtol=0, atol=TOLERANCE)


@modest
@given(
    st.tuples(st.integers(4, 9), st.integers(4, 9)),
    st.tuples(sizes, sizes),
    st.none() | st.integers(1, 3),
    st.sampled_from(["valid", "same"]),
    st.sampled_from([(keras.layers.MaxPooling2D, max_pool2d), (keras.layers.AveragePooling2D, average_pool2d)]),
)
def test_pooling_agrees_with_keras(image, size, stride, padding, functions):
    layer, function = functions
    # Negative values alone: a zero of the padding would show as the largest, and pull every mean up.
    images = np.random.default_rng(0).uniform(-2, -1, (2, *image, 3)).astype(np.float32)
    expected = layer(size, strides=stride, padding=padding)(images).numpy()
    computed = function(images, size, stride=stride, padding=padding)
    assert computed.dtype == np.float32
    np.testing.assert_allclose(computed, expected, rtol=0, atol=TOLERANCE)


def test_max_pooling_keeps_whole_numbers_whole_and_average_pooling_does_not_wrap():
    images = np.arange(1, 17, dtype=np.uint8).reshape(1, 4, 4, 1)
    assert max_pool2d(images)[0, ..., 0].tolist() == [[6, 8], [14, 16]]
    assert max_pool2d(images).dtype == np.uint8
    assert average_pool2d(images)[0, ..., 0].tolist() == [[3.5, 5.5], [11.5, 13.5]]
    assert average_pool2d(np.full((1, 2, 2, 1), 200, np.uint8)).item() == 200


def test_whole_numbers_do_not_wrap_in_a_convolution():
    images = np.full((1, 3, 3, 1), 200, np.uint8)
    assert conv2d(images, np.ones((3, 3, 1, 1), np.uint8)).item() == 1800
    assert conv2d_loops(images, np.ones((3, 3, 1, 1), np.uint8)).item() == 1800


def test_an_odd_zero_of_same_padding_goes_below_and_to_the_right():
    assert padding_amounts(4, 3, stride=2, padding="same") == (0, 1)
    assert padding_amounts(5, 2, padding="same") == (0, 1)
    assert padding_amounts(5, 3, stride=2, padding="same") == (1, 1)


@modest
@given(convolutions(explicit=False), st.booleans())
def test_shape_and_parameters_agree_with_keras(case, bias):
    images, kernel, chosen = case
    filters = kernel.shape[3]
    layer = keras.layers.Conv2D(
        filters,
        kernel.shape[:2],
        chosen["stride"],
        chosen["padding"],
        dilation_rate=chosen["dilation"],
        groups=chosen["groups"],
        use_bias=bias,
    )
    rows, columns = (
        output_size(
            images.shape[k + 1],
            kernel.shape[k],
            stride=chosen["stride"][k],
            padding=chosen["padding"],
            dilation=chosen["dilation"][k],
        )
        for k in (0, 1)
    )
    assert layer.compute_output_shape(images.shape) == (len(images), rows, columns, filters)
    layer.build(images.shape)
    assert layer.count_params() == conv2d_parameters(
        kernel.shape[:2], images.shape[3], filters, groups=chosen["groups"], bias=bias
    )


def test_flattening_into_a_dense_layer_takes_most_of_the_weights():
    layer = keras.layers.Dense(512)
    layer.build((None, 7 * 7 * 64))
    assert dense_parameters(7 * 7 * 64, 512, bias=False) == layer.kernel.shape.num_elements() == 1_605_632
    assert dense_parameters(7 * 7 * 64, 512) == layer.count_params() == 1_606_144


class Counted:
    """A number that counts the multiplications and additions it takes part in."""

    operations = 0

    def __mul__(self, other):
        Counted.operations += 1
        return self

    __rmul__ = __add__ = __radd__ = __mul__


@modest
@given(convolutions())
def test_flops_agree_with_counting_in_the_loops(case):
    images, kernel, chosen = case
    Counted.operations = 0
    images, kernel = images[:1], np.full(kernel.shape, Counted(), dtype=object)
    output = conv2d_loops(np.full(images.shape, Counted(), dtype=object), kernel, **chosen)
    output += Counted()  # the bias
    assert conv2d_flops(images.shape[1:3], kernel.shape[:2], images.shape[3], kernel.shape[3], **chosen) == (
        Counted.operations
    )


def profiled_flops(layer, shape):
    """What TensorFlow's profiler counts for a layer; its convention is also two for a multiply-add."""
    graph = tf.function(layer).get_concrete_function(tf.TensorSpec(shape)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation() | {"output": "none"}
    return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops


@pytest.mark.parametrize(
    "chosen", [{}, {"padding": "same"}, {"stride": 2, "padding": "same"}]
)  # a dilation it turns into other operations
def test_flops_agree_with_tensorflows_profiler(chosen):
    layer = keras.layers.Conv2D(8, (3, 5), chosen.get("stride", 1), chosen.get("padding", "valid"))
    assert conv2d_flops((12, 13), (3, 5), 4, 8, **chosen) == profiled_flops(layer, (1, 12, 13, 4))


def test_the_flops_of_a_dense_layer_agree_with_tensorflows_profiler():
    assert dense_flops(20, 7) == profiled_flops(keras.layers.Dense(7), (1, 20))
    assert dense_flops(20, 7, bias=False) == 2 * 20 * 7


stacks = st.lists(
    st.tuples(
        st.sampled_from(["convolution", "pool"]),
        st.integers(1, 4),
        st.sampled_from([(1, 1), (2, 1), (3, 1), (1, 2), (1, 3)]),
        st.sampled_from(["valid", "same"]),
    ),
    min_size=1,
    max_size=4,
)


def seen_by_gradient(layers, pixels, chosen_output):
    """Return the first and last row of the image on which an output of a real Keras stack depends."""
    network = keras.Sequential([keras.Input((pixels, pixels, 1))])
    for kind, kernel, (stride, dilation), padding in layers:
        if kind == "pool":
            network.add(keras.layers.AveragePooling2D(kernel, stride, padding))
        else:
            network.add(
                keras.layers.Conv2D(
                    1, kernel, stride, padding, dilation_rate=dilation, kernel_initializer="ones", use_bias=False
                )
            )
    image = tf.Variable(tf.ones((1, pixels, pixels, 1)))
    with tf.GradientTape() as tape:
        output = network(image)[0, chosen_output, chosen_output, 0]
    rows = np.flatnonzero(np.abs(tape.gradient(output, image)[0, ..., 0].numpy()).sum(axis=1))
    return int(rows[0]), int(rows[-1])


@settings(deadline=None, max_examples=20, derandomize=True)
@given(stacks, st.data())
def test_the_receptive_field_agrees_with_the_gradient_of_a_keras_stack(layers, data):
    layers = [(kind, k, (s, 1 if kind == "pool" else d), padding) for kind, k, (s, d), padding in layers]
    windows = [Window(kernel, stride, dilation, padding) for _, kernel, (stride, dilation), padding in layers]
    size, stride, _ = receptive_field([Window(w.kernel, w.stride, w.dilation) for w in windows])
    pixels = size + 3 * stride
    field = receptive_field(windows, pixels)
    # At the edge of the image some of the field is padding, which has no gradient.
    inside = [k for k in range(pixels) if field.pixels(k)[0] >= 0 and field.pixels(k)[-1] < pixels]
    k = data.draw(st.sampled_from(inside))
    assert seen_by_gradient(layers, pixels, k) == (field.pixels(k)[0], field.pixels(k)[-1])


def test_the_receptive_field_of_known_stacks():
    assert receptive_field([]) == ReceptiveField(1, 1, 0)
    assert receptive_field([Window(3, padding="same")] * 2) == ReceptiveField(5, 1, -2)
    assert receptive_field([Window(3), Window(2, 2), Window(3)]) == ReceptiveField(8, 2, 0)
    # The stem of ResNet (He et al., 2015, table 1): 7x7 with stride 2, 3x3 pooling with stride 2.
    assert receptive_field([Window(7, 2, padding=3), Window(3, 2, padding=1)]) == ReceptiveField(11, 4, -5)


images = np.zeros((1, 5, 6, 4), np.float32)
kernel = np.zeros((3, 3, 4, 2), np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv2d(images[0], kernel), "not four dimensions"),
        (lambda: conv2d(images, kernel[..., 0]), "not four dimensions"),
        (lambda: conv2d(images, kernel[:, :, :3]), "for 3 channels, and the images have 4"),
        (lambda: conv2d(images, kernel, groups=2), "for 4 channels, and each of the 2 groups of the images has 2"),
        (lambda: conv2d(images, kernel, groups=3), "3 groups must divide the 4 channels"),
        (lambda: conv2d(images, kernel[:, :, :1], groups=4), "and the 2 filters"),
        (lambda: conv2d(images, kernel, groups=0), "groups is 0"),
        (lambda: conv2d(images, kernel, padding="full"), "padding is 'full'"),
        (lambda: conv2d(images, kernel, padding=-1), "padding is -1"),
        (lambda: conv2d(images, kernel, padding=(1, 1)), r"\(\(top, bottom\), \(left, right\)\)"),
        (lambda: conv2d(images, kernel, stride=0), "stride is 0"),
        (lambda: conv2d(images, kernel, stride=1.5), "stride is 1.5"),
        (lambda: conv2d(images, kernel, stride=(1, 2, 3)), "one whole number or two"),
        (lambda: conv2d(images, kernel, stride=True), "stride is True"),
        (lambda: conv2d(images, kernel, stride=2, dilation=2), "cannot be combined"),
        (lambda: conv2d(images, kernel, dilation=3), "spans 7 pixels does not fit into 5"),
        (lambda: conv2d(images[:, :0], kernel), "size is 0"),
        (lambda: depthwise_conv2d(images, kernel[:, :, :3]), "for 3 channels, and the images have 4"),
        (lambda: conv2d_input_gradient(images.shape, images, kernel), "not that of an output of shape"),
        (lambda: conv2d_kernel_gradient(images, images, kernel.shape), "not that of an output of shape"),
        (lambda: max_pool2d(images[0]), "not four dimensions"),
        (lambda: max_pool2d(images, padding=1), 'takes "valid" or "same"'),
        (lambda: average_pool2d(images, 7), "does not fit"),
        (lambda: output_size(5, 6), "does not fit"),
        (lambda: output_size(5, 3, padding="reflect"), "padding is 'reflect'"),
        (lambda: conv2d_parameters(3, 4, 6, groups=4), "4 groups must divide"),
        (lambda: Window(3, stride=0), "stride is 0"),
        (lambda: receptive_field([Window(3, 2, padding="same")]), "give input_size"),
        (lambda: receptive_field([Window(3), Window(3)], 4), "does not fit"),
    ],
)
def test_what_is_not_possible_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
