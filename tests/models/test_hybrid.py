"""The hybrid of convolution and attention, and the count of operations: against hand counts and TensorFlow's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from scipy import special

from cnn_course import convolution, models
from cnn_course.models.hybrid import PositionEmbedding


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(0)


def counted_by_tensorflow(model):
    """Return the operations of the products that TensorFlow's profiler knows: convolutions and matrix products."""
    function = tf.function(lambda x: model(x, training=False))
    graph = function.get_concrete_function(tf.TensorSpec((1, *model.input_shape[1:]))).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    found = tf.compat.v1.profiler.profile(graph, options=options)
    return found.total_float_ops


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
    ours, theirs = models.count_flops(model), counted_by_tensorflow(model)
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


def test_an_open_size_is_named_with_the_remedy():
    inputs = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match=r"first has the open shape .* fixed input shape"):
        models.count_flops(keras.Model(inputs, layers.Conv2D(4, 3, name="first")(inputs)))


@pytest.mark.parametrize("blocks", [1, 2])
def test_attention_and_convolution_cost_the_same_where_channels_are_as_many_as_places(blocks):
    counts = [
        models.count_flops(models.hybrid_cnn(upper=upper, blocks=blocks)) for upper in ("attention", "convolution")
    ]
    assert abs(counts[0] / counts[1] - 1) < 0.01
    narrow = [models.count_flops(models.hybrid_cnn(widths=(4, 8, 16), upper=u)) for u in ("attention", "convolution")]
    assert narrow[0] > 1.2 * narrow[1]


def attention(x, weights, heads):
    """Return multi-head self-attention for x (n, t, d), head by head, in float64."""
    (Wq, bq), (Wk, bk), (Wv, bv), (Wo, bo) = zip(*[iter(weights)] * 2, strict=True)
    result = np.zeros((*x.shape[:2], bo.shape[0])) + bo
    for k in range(heads):
        q, key, v = (x @ W[:, k] + b[k] for W, b in ((Wq, bq), (Wk, bk), (Wv, bv)))
        shares = special.softmax(q @ key.swapaxes(1, 2) / np.sqrt(q.shape[-1]), axis=-1)
        result += shares @ v @ Wo[k]
    return result


def test_the_attention_block_is_the_formula_that_it_says():
    inputs = keras.Input((6, 8))
    model = keras.Model(inputs, models.attention_block(inputs, heads=2, expansion=1.5, name="block"))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    x = rng.normal(size=(3, 6, 8))

    def weights(name):
        return [weight.astype("float64") for weight in model.get_layer(f"block{name}").get_weights()]

    def norm(x, gamma, beta):
        apart = x - x.mean(axis=-1, keepdims=True)
        return gamma * apart / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-6) + beta

    y = x + attention(norm(x, *weights("_norm1")), weights(""), heads=2)
    (W1, b1), (W2, b2) = weights("_mlp1"), weights("_mlp2")
    hidden = norm(y, *weights("_norm2")) @ W1 + b1
    assert hidden.shape[-1] == 12
    gelu = hidden * special.ndtr(hidden)
    np.testing.assert_allclose(model(x.astype("float32")), y + gelu @ W2 + b2, rtol=1e-3, atol=1e-4)


def test_without_its_place_a_position_is_like_any_other():
    for position, differs in ((True, True), (False, False)):
        model = models.hybrid_cnn((16, 16, 3), widths=(4, 8), position=position)
        features = model.get_layer("places").output
        upper = keras.Model(features, model.output)
        values = np.random.default_rng(0).normal(size=(2, 64, 8)).astype("float32")
        shuffled = values[:, np.random.default_rng(1).permutation(64)]
        apart = np.abs(np.asarray(upper(values)) - np.asarray(upper(shuffled))).max()
        assert bool(apart > 1e-4) is differs


@pytest.mark.parametrize("upper", ["attention", "convolution"])
def test_it_returns_logits_and_is_saved_and_loaded(upper, tmp_path):
    model = models.hybrid_cnn((16, 16, 3), 7, widths=(4, 8), upper=upper)
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype("uint8")
    logits = np.asarray(model(images, training=False))
    assert logits.shape == (3, 7)
    assert np.abs(logits).max() < 20
    model.save(tmp_path / "hybrid.keras")
    np.testing.assert_allclose(
        keras.models.load_model(tmp_path / "hybrid.keras")(images, training=False), logits, atol=1e-5
    )


def test_each_place_has_a_vector_of_its_own():
    layer = PositionEmbedding()
    x = np.zeros((2, 5, 3), "float32")
    moved = np.asarray(layer(x))
    np.testing.assert_array_equal(moved[0], moved[1])
    np.testing.assert_array_equal(moved[0], layer.get_weights()[0])
    assert len(np.unique(moved[0])) == 15


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="cannot be shared evenly by 3 heads"):
        models.attention_block(keras.Input((4, 8)), heads=3)
    with pytest.raises(ValueError, match="must be 'attention' or 'convolution'"):
        models.hybrid_cnn(upper="pooling")
