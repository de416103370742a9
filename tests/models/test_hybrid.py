"""The hybrid of convolution and attention: against the formulas, and its cost against that of convolutions."""

import keras
import numpy as np
import pytest
from scipy import special

from cnn_course import models
from cnn_course.models.hybrid import PositionEmbedding


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(0)


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
