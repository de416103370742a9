"""Augmentation against a loop, and batches as functions of the step."""

import keras
import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_course import datasets, training


def moved(image, mirrored, down, right, shift):
    height, width = image.shape[:2]
    padded = np.pad(image, ((shift, shift), (shift, shift), (0, 0)), mode="reflect")
    window = padded[down : down + height, right : right + width]
    return window[:, ::-1] if mirrored else window


@given(
    height=st.integers(4, 9),
    width=st.integers(4, 9),
    channels=st.integers(1, 3),
    shift=st.integers(0, 3),
    seed=st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)),
)
@settings(deadline=None, max_examples=25)
def test_each_image_is_one_of_those_that_flip_and_shift_can_make(height, width, channels, shift, seed):
    images = np.random.default_rng(0).normal(size=(5, height, width, channels)).astype("float32")
    result = training.flip_and_shift(tf.constant(images), seed, shift=shift).numpy()
    places = range(2 * shift + 1)
    for before, after in zip(images, result, strict=True):
        made = [moved(before, m, down, right, shift) for m in (False, True) for down in places for right in places]
        assert any(np.array_equal(after, one) for one in made)


def test_flip_and_shift_makes_all_of_them_about_equally_often():
    image = np.arange(36, dtype="float32").reshape(1, 6, 6, 1)
    many = training.flip_and_shift(tf.repeat(tf.constant(image), 9000, axis=0), [1, 2], shift=1).numpy()
    _, counts = np.unique(many.reshape(len(many), -1), axis=0, return_counts=True)
    assert len(counts) == 2 * 3 * 3
    assert abs(counts / 500 - 1).max() < 0.25  # 500 of each are expected; the standard deviation is 4 %


def test_flip_and_shift_is_a_function_of_its_seed():
    images = tf.random.stateless_uniform((16, 8, 8, 3), [0, 0])
    first, again, other = (training.flip_and_shift(images, seed) for seed in ([4, 5], [4, 5], [4, 6]))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_pipeline_draws_its_augmentation_anew_in_each_epoch_and_again_with_the_same_seed():
    data = datasets.load("shapes10", size=60)

    def two_epochs():
        keras.utils.set_random_seed(0)
        pipeline = datasets.batches(data, 20, augment=training.FlipAndShift(seed=3))
        return [np.concatenate([images for images, _ in pipeline]) for _ in range(2)]

    (first, second), (again, _) = two_epochs(), two_epochs()
    assert np.any(first != second, axis=(1, 2, 3)).mean() > 0.8
    assert np.array_equal(first, again)


@given(st.integers(5, 40), st.integers(1, 9), st.integers(0, 3), st.integers(0, 100))
@settings(deadline=None, max_examples=20)
def test_batches_by_step_go_through_an_epoch_once_and_in_another_order_the_next_time(count, batch_size, epoch, seed):
    batch_size = min(batch_size, count)
    steps = count // batch_size
    images, numbers = np.zeros((count, 4, 4, 1), "float32"), np.arange(count)

    def seen(epoch):
        steps_of_epoch = range(epoch * steps, (epoch + 1) * steps)
        batch = [training.batch_at(k, images, numbers, batch_size=batch_size, seed=seed)[1] for k in steps_of_epoch]
        return np.concatenate(batch)

    assert len(np.unique(seen(epoch))) == steps * batch_size
    if count >= 12:
        assert not np.array_equal(seen(epoch), seen(epoch + 1))


def test_batches_by_step_are_the_same_inside_a_pipeline_begun_in_the_middle():
    data = datasets.load("shapes10", size=40)

    def batch(step):
        return training.batch_at(step, data.images, data.labels, batch_size=8, seed=2)

    pipeline = tf.data.Dataset.range(7, 9).map(batch)
    for step, (images, labels) in zip((7, 8), pipeline, strict=True):
        expected_images, expected_labels = batch(tf.constant(step, tf.int64))
        assert np.array_equal(images, expected_images)
        assert np.array_equal(labels, expected_labels)
