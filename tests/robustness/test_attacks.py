"""Attacks: against the formula for a linear model, by their bounds, and by what they do to a network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops
from scipy import special

from cnn_course import datasets, lesson, training
from cnn_course.robustness import AdversarialTrainer, fgsm, input_gradient, labelled_batches, pgd


def linear(shape=(4, 4, 3), classes=5, seed=0):
    """Return a model whose logits are linear in the pixels."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Rescaling(1 / 255), layers.Dense(classes)])


def some(seed, count=6, shape=(4, 4, 3), classes=5):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, *shape), "uint8"), rng.integers(0, classes, count)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_the_gradient_of_a_linear_model_is_the_formula_s(seed):
    model, (images, labels) = linear(), some(seed)
    kernel = np.asarray(model.layers[-1].kernel) / 255
    probabilities = special.softmax(model.predict(images, verbose=0), axis=1)
    expected = (probabilities - np.eye(5)[labels]) @ kernel.T
    found = input_gradient(model)(images.astype("float32"), labels)
    np.testing.assert_allclose(found.reshape(len(images), -1), expected, atol=1e-6)
    np.testing.assert_array_equal(input_gradient(model)(images, labels), found)  # pixels as they are stored


def test_the_gradient_follows_the_weights_of_the_model():
    model, (images, labels) = linear(), some(0)
    gradient = input_gradient(model)
    before = gradient(images, labels)
    model.layers[-1].kernel.assign(-model.layers[-1].kernel)
    assert np.abs(gradient(images, labels) - before).max() > 1e-4


def test_attacks_take_the_compiled_gradient_in_place_of_the_model():
    model, (images, labels) = linear(), some(1)
    gradient = input_gradient(model)
    np.testing.assert_array_equal(fgsm(gradient, images, labels), fgsm(model, images, labels))
    np.testing.assert_array_equal(pgd(gradient, images, labels, steps=3), pgd(model, images, labels, steps=3))


def test_behind_a_rounding_of_the_pixels_the_gradient_is_zero():
    inputs = keras.Input((4, 4, 3))
    rounding = keras.Model(inputs, linear()(ops.round(inputs / 32) * 32))
    images, labels = some(0)
    gradient = input_gradient(rounding)(images.astype("float32"), labels)
    assert gradient.shape == images.shape
    assert not gradient.any()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), radius=st.floats(0, 40), steps=st.integers(1, 4), batch_size=st.integers(1, 7))
def test_no_value_moves_further_than_the_radius_or_out_of_range(seed, radius, steps, batch_size):
    model, (images, labels) = linear(), some(seed)
    for attacked in (
        fgsm(model, images, labels, radius=radius, batch_size=batch_size),
        pgd(model, images, labels, radius=radius, step_size=radius, steps=steps, seed=seed, batch_size=batch_size),
    ):
        assert attacked.shape == images.shape
        assert np.abs(attacked - images).max() <= radius + 1e-3
        assert attacked.min() >= 0
        assert attacked.max() <= 255


def test_the_parts_of_a_set_are_attacked_as_the_whole():
    model, (images, labels) = linear(), some(0)
    whole, parts = (fgsm(model, images, labels, batch_size=size) for size in (6, 4))
    np.testing.assert_array_equal(whole, parts)


RECIPE = training.FastRecipe(widths=(16, 32), epochs=5, batch_size=50, kernel_rate=0.24, smoothing=0.0, dtype="float32")


@pytest.fixture(scope="module")
def shapes():
    return datasets.load("shapes10", size=2300).split(2000, 0, 300)


@pytest.fixture(scope="module")
def trained(shapes):
    """Return a small network that has learned shapes10, and test images."""
    lesson.seed_everything(0)
    model, _ = training.train_fast(RECIPE, shapes.train)
    return model, shapes.test


def accuracy(model, images, labels):
    return float((model.predict(images, verbose=0).argmax(axis=1) == labels).mean())


def test_more_steps_fool_a_network_more_often_and_noise_of_the_same_size_does_not(trained):
    model, test = trained
    images, labels = test.images[:200], test.labels[:200]
    clean = accuracy(model, images, labels)
    noise = np.random.default_rng(0).uniform(-8, 8, images.shape)
    noisy = accuracy(model, np.clip(images + noise, 0, 255), labels)
    once = accuracy(model, fgsm(model, images, labels), labels)
    often = accuracy(model, pgd(model, images, labels, steps=10), labels)
    assert clean > 0.6
    assert noisy > clean - 0.1
    assert once < 0.6 * clean
    assert often <= once


def test_the_trainer_s_change_is_fgsm_when_it_does_not_start_at_random(trained):
    model, test = trained
    images, labels = tf.constant(test.images[:20], tf.float32), test.labels[:20]
    trainer = AdversarialTrainer(model, start=0.0, step_size=8.0)
    expected = fgsm(model, images.numpy(), labels)
    np.testing.assert_allclose(np.asarray(trainer.changed(images, labels)), expected, atol=1e-3)
    np.testing.assert_allclose(trainer((images, labels)), model(images), atol=1e-4)  # in inference nothing is changed


@pytest.mark.parametrize("limit", [8.0, None])
def test_the_trainer_s_change_keeps_its_limit(trained, limit):
    model, test = trained
    images = tf.constant(test.images[:20], tf.float32)
    trainer = AdversarialTrainer(model, start=16.0, step_size=8.0, limit=limit)
    change = np.abs(np.asarray(trainer.changed(images, test.labels[:20])) - images).max()
    assert change <= (limit or 24.0) + 1e-3
    assert change > 0.9 * (limit or 24.0)


def test_training_on_changed_images_hardens(trained, shapes):
    plain, test = trained
    images, labels = test.images[:200], test.labels[:200]
    lesson.seed_everything(0)
    network = training.fast_model(RECIPE, shapes.train)
    trainer = AdversarialTrainer(network, start=8.0, step_size=4.0)
    training.fit_recipe(trainer, RECIPE, shapes.train, batches=labelled_batches)
    against = {"radius": 4.0, "step_size": 1.0, "steps": 10}
    standing = [accuracy(each, pgd(each, images, labels, **against), labels) for each in (plain, network)]
    assert standing[0] < 0.3
    assert standing[1] > standing[0] + 0.3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: fgsm(model, np.zeros((2, 4, 4, 3)), np.zeros(3, int)), "each image needs one"),
        (lambda model: fgsm(model, np.zeros((1, 4, 4, 3)), np.zeros(1, int), radius=-1), "at least 0"),
        (lambda model: pgd(model, np.zeros((1, 4, 4, 3)), np.zeros(1, int), steps=0), "at least 1"),
        (lambda model: AdversarialTrainer(model, start=-1.0), "lengths"),
        (lambda model: AdversarialTrainer(model, limit=-1.0), "lengths"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(linear())
