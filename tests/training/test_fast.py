"""The parts of the fast recipe against their definitions, and the whole on the course's own pictures."""

import dataclasses

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_course import datasets, models, training


@given(st.integers(2, 3), st.integers(1, 3), st.integers(0, 1000))
@settings(deadline=None, max_examples=10)
def test_whitened_patches_are_uncorrelated_with_variance_one_and_come_with_their_opposites(size, channels, seed):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(60, 9, 8, channels)).cumsum(axis=1).cumsum(axis=2).astype("float32")  # smooth pictures
    kernel = training.whitening_kernel(images, size=size, epsilon=0.0)
    filters = size * size * channels
    assert kernel.shape == (size, size, channels, 2 * filters)
    np.testing.assert_array_equal(kernel[..., filters:], -kernel[..., :filters])
    answers = np.asarray(keras.ops.conv(images, kernel[..., :filters])).reshape(-1, filters)
    np.testing.assert_allclose(np.cov(answers, rowvar=False), np.eye(filters), atol=2e-2)


def test_whitening_does_not_blow_up_a_direction_in_which_nothing_varies():
    images = np.random.default_rng(0).normal(size=(50, 6, 6, 1)).repeat(3, axis=-1)  # grey: three equal channels
    kernel = training.whitening_kernel(images, epsilon=1e-2)
    assert np.linalg.norm(kernel.reshape(12, 24), axis=0).max() < 10.1  # 1 / sqrt(epsilon)


def test_the_first_layer_is_filled_from_the_images_as_the_network_sees_them():
    data = datasets.load("shapes10", size=100)
    model = models.fast_network(widths=(4,))
    training.initialise_whitening(model, data.images)
    seen = keras.Model(model.inputs, model.get_layer("whitening").output).predict(data.images, verbose=0)
    answers = np.asarray(seen)[..., :12].reshape(-1, 12)
    variances = np.cov(answers, rowvar=False).diagonal()
    assert variances[0] == pytest.approx(1, abs=0.05)  # the strongest direction
    assert variances.max() < 1.05


def test_identity_kernels_hand_their_input_on():
    keras.utils.set_random_seed(0)
    model = models.fast_network(widths=(30, 8))
    before = [np.asarray(model.get_layer(f"block1_{k}_conv").kernel) for k in (1, 2)]
    training.initialise_identity(model)
    maps = np.random.default_rng(0).normal(size=(2, 5, 5, 30)).astype("float32")
    convolved = {name: np.asarray(keras.ops.conv(maps[..., : kernel.shape[2]], kernel, padding="same"))
                 for name in ("block1_1", "block1_2", "block2_1")
                 for kernel in [model.get_layer(f"{name}_conv").kernel]}  # fmt: skip
    np.testing.assert_allclose(convolved["block1_1"][..., :24], maps[..., :24], atol=1e-6)  # 24 channels into 30
    np.testing.assert_allclose(convolved["block1_2"], maps, atol=1e-6)  # 30 into 30
    np.testing.assert_allclose(convolved["block2_1"], maps[..., :8], atol=1e-6)  # 30 into 8
    first = np.asarray(model.get_layer("block1_1_conv").kernel)
    np.testing.assert_array_equal(first[..., 24:], before[0][..., 24:])  # the other six stay random


def test_alternating_batches_show_both_sides_of_each_image_in_two_epochs():
    images = np.arange(2 * 36).reshape(2, 6, 6, 1).astype("float32").repeat(20, axis=0)
    numbers = np.arange(40)

    def sides(epoch, seed=0):
        mirrored = {}
        for step in range(4 * epoch, 4 * epoch + 4):
            batch, which = training.batch_at(step, images, numbers, batch_size=10, shift=0, seed=seed, alternating=True)
            for image, number in zip(batch.numpy(), which.numpy(), strict=True):
                mirrored[number] = not np.array_equal(image, images[number])
                assert np.array_equal(image, images[number][:, ::-1] if mirrored[number] else images[number])
        return np.array([mirrored[number] for number in numbers])

    first, second, third = sides(0), sides(1), sides(2)
    assert np.array_equal(first, ~second)
    assert np.array_equal(first, third)
    assert 8 <= first.sum() <= 32  # drawn, not the same for all
    assert not np.array_equal(first, sides(0, seed=1))


class Brightness(keras.Model):
    """Two "logits": the brightness of the left upper quarter, and of the right one."""

    def call(self, images):
        images = keras.ops.cast(images, "float32")
        quarters = images[:, :3, :3], images[:, :3, 3:]
        return keras.ops.stack([keras.ops.mean(quarter, axis=(1, 2, 3)) for quarter in quarters], axis=1)


def test_views_are_averaged_as_their_description_says():
    images = np.random.default_rng(0).integers(0, 256, (7, 6, 6, 1)).astype("uint8")
    model = Brightness()

    def of(some):
        return np.stack([some[:, :3, :3].mean((1, 2, 3)), some[:, :3, 3:].mean((1, 2, 3))], axis=1)

    both = (of(images) + of(images[:, :, ::-1])) / 2
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    moved = [(of(part) + of(part[:, :, ::-1])) / 2 for part in (padded[:, :6, :6], padded[:, 2:, 2:])]
    for views, expected in {1: of(images), 2: both, 6: (both + (moved[0] + moved[1]) / 2) / 2}.items():
        result = training.predict_with_views(model, images, views=views, batch_size=3)
        np.testing.assert_allclose(result, expected, rtol=1e-4)
        labels = expected.argmax(axis=1)
        labels[:2] = 1 - labels[:2]  # two of the seven are wrong
        data = datasets.Dataset("some", images, labels, ("left", "right"), "drawn")
        assert training.accuracy_by_views(model, data, (views,)) == {views: pytest.approx(5 / 7)}
    with pytest.raises(ValueError, match="1, 2 or 6"):
        training.predict_with_views(model, images, views=3)


RECIPE = training.FastRecipe(widths=(12, 24, 24), epochs=4, small_epochs=1, batch_size=30, dtype="float32")


def test_the_recipe_learns_the_shapes_in_four_epochs_and_repeats_bit_for_bit():
    splits = datasets.load("shapes10", size=2000).split(1500, 0, 500)

    def trained():
        keras.utils.set_random_seed(0)
        return training.train_fast(RECIPE, splits.train)

    (model, history), (again, _) = trained(), trained()
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    assert len(history["loss"]) == len(history["seconds"]) == 4
    answers = training.predict_with_views(model, splits.test.images).argmax(axis=1)
    assert (answers == splits.test.labels).mean() > 0.85


def test_the_recipe_takes_grey_digits_too():
    data = datasets.load("mnist5k").take(slice(0, 1000))
    keras.utils.set_random_seed(0)
    model, history = training.train_fast(training.FastRecipe(**{**vars(RECIPE), "small_epochs": 0}), data)
    assert model.input_shape == (None, None, None, 1)
    assert history["accuracy"][-1] > 0.9


def test_in_float16_the_loss_is_scaled():
    """Keras scales it by itself only where the policy is the whole model's; here each layer has its own."""
    data = datasets.load("mnist5k").take(slice(0, 600))
    keras.utils.set_random_seed(0)
    recipe = dataclasses.replace(RECIPE, epochs=2, small_epochs=0, dtype="mixed_float16")
    model, history = training.train_fast(recipe, data)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert float(model.optimizer.dynamic_scale) >= 2
    assert history["accuracy"][-1] > 0.5


def test_a_compiled_model_can_be_trained_anew_as_if_it_were_new():
    data = datasets.load("mnist5k").take(slice(0, 300))
    recipe = dataclasses.replace(RECIPE, small_epochs=0)
    steps = 2 * len(data) // recipe.batch_size
    model = training.fast_model(recipe, data)
    first = model.get_weights()
    model.compile(training.recipe_optimiser(recipe, steps), training.SmoothedCrossentropy(0.0), jit_compile=False)
    ends = []
    for _ in range(2):
        model.set_weights(first)
        training.forget_steps(model.optimizer)
        batches = training.recipe_batches(recipe, data.images, data.labels, steps=(0, steps), seed=3)
        model.fit(batches, shuffle=False, verbose=0)
        ends.append(model.get_weights())
    assert not np.array_equal(ends[0][1], first[1])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_learning_rate_that_is_a_number_is_not_forgotten():
    optimiser = keras.optimizers.SGD(0.25, momentum=0.9)
    optimiser.build([keras.Variable([1.0])])
    training.forget_steps(optimiser)
    assert float(optimiser.learning_rate) == 0.25
