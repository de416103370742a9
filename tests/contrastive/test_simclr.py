"""NT-Xent against its formula in loops, and SimCLR by what it learns."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from cnn_course import contrastive, datasets, lesson, models


def by_loops(first, second, temperature):
    """Equation 1 of the source, view by view."""
    views = [v / np.linalg.norm(v) for v in np.concatenate([first, second]).astype("float64")]
    n = len(first)
    losses = []
    for i, view in enumerate(views):
        partner = views[(i + n) % (2 * n)]
        others = sum(np.exp(view @ each / temperature) for k, each in enumerate(views) if k != i)
        losses.append(-np.log(np.exp(view @ partner / temperature) / others))
    return losses


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 999),
    n=st.integers(1, 6),
    d=st.integers(2, 8),
    temperature=st.floats(0.1, 5),
    scale=st.floats(0.1, 50),
)
def test_the_loss_is_equation_1(seed, n, d, temperature, scale):
    first, second = np.random.default_rng(seed).normal(0, scale, (2, n, d)).astype("float32")
    found = contrastive.nt_xent_loss(first, second, temperature=temperature)
    np.testing.assert_allclose(found, by_loops(first, second, temperature), rtol=1e-3, atol=1e-3)


def test_a_cold_loss_of_equal_outputs_is_a_number():
    same = np.ones((4, 3), "float32")
    loss = contrastive.nt_xent_loss(same, same, temperature=0.01)
    np.testing.assert_allclose(loss, np.log(7), rtol=1e-3)  # one of seven, and no telling which


def test_half_precision_outputs_are_compared_in_float32():
    outputs = np.random.default_rng(0).normal(1, 0.01, (2, 8, 16)).astype("float32")
    halves = [tf.cast(each, tf.bfloat16) for each in outputs]
    assert contrastive.nt_xent_loss(*halves).dtype == tf.float32
    whole = [tf.cast(each, tf.float32) for each in halves]
    np.testing.assert_allclose(contrastive.nt_xent_loss(*halves), contrastive.nt_xent_loss(*whole), rtol=1e-6)


def small(seed=0, dtype="float32", widths=(8, 16)):
    keras.utils.set_random_seed(seed)
    network = models.fast_network((None, None, 3), widths=widths, dtype=dtype)
    encoder = contrastive.encoder(network)
    return contrastive.SimCLR(encoder, contrastive.projection(widths[-1], width=16, outputs=8))


def test_the_encoder_gives_what_the_head_of_the_network_takes():
    network = models.fast_network((None, None, 3), widths=(8, 16))
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype("float32")
    features = contrastive.encoder(network)(images)
    assert features.shape == (3, 16)
    logits = np.asarray(features) @ np.asarray(network.get_layer("head").kernel) / 9
    np.testing.assert_allclose(network(images), logits, atol=1e-5)


def test_views_of_one_image_stay_together():
    model = small()
    pairs = np.random.default_rng(0).integers(0, 256, (5, 2, 16, 16, 3)).astype("float32")
    found = np.asarray(model(pairs, training=False))
    assert found.shape == (5, 2, 8)
    for view in (0, 1):
        alone = model.projection(model.encoder(pairs[:, view], training=False), training=False)
        np.testing.assert_allclose(found[:, view], alone, atol=1e-4)
    loss = float(model.compute_loss(x=pairs, y_pred=found))
    assert loss == pytest.approx(np.mean(by_loops(found[:, 0], found[:, 1], 0.5)), rel=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_it_learns_to_find_the_other_view(dtype):
    lesson.seed_everything(0)
    images = datasets.load("shapes10", size=400).images
    model = small(dtype=dtype)
    model.compile(contrastive.pretraining_optimiser(8 * 10), jit_compile=False)
    history = contrastive.pretrain(model, images, epochs=10, batch_size=50)
    chance = np.log(2 * 50 - 1)
    assert history["loss"][0] < chance + 0.5
    assert history["loss"][-1] < history["loss"][0] - 0.3
    assert len(history["seconds"]) == 10


def test_what_does_not_fit_is_refused():
    encoder = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    with pytest.raises(ValueError, match="must be the same"):
        contrastive.SimCLR(encoder, contrastive.projection(5))
    with pytest.raises(ValueError, match="above 0"):
        contrastive.SimCLR(encoder, contrastive.projection(3), temperature=0.0)


def test_the_encoder_that_travels_with_the_course_tells_shapes_apart_that_it_has_never_seen():
    shapes = datasets.load("shapes10", size=900).split(600, 0, 300)
    keras.utils.set_random_seed(0)
    untrained = contrastive.encoder(models.fast_network(widths=(32, 128, 256)))
    right = []
    for encoder in (contrastive.trained_encoder(), untrained):
        known, asked = (encoder.predict(part.images, batch_size=300, verbose=0) for part in (shapes.train, shapes.test))
        assert known.shape == (600, 256)
        answers = contrastive.nearest_neighbours(known, shapes.train.labels, asked)
        right.append((answers == shapes.test.labels).mean())
    assert right[0] > right[1] + 0.2


def test_an_encoder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(models.WeightsUnavailable, match="are not in"):
        contrastive.trained_encoder(file=tmp_path / "simclr.npz")
