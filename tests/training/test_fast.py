"""The parts of the fast recipe against their definitions, and the whole on the course's own pictures."""

import dataclasses

import keras
import numpy as np

from cnn_course import datasets, training

RECIPE = training.FastRecipe(widths=(12, 24, 24), epochs=4, small_epochs=1, batch_size=30, dtype="float32")


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
    """Keras scales it by itself only where the policy is the whole model's; here each layer has its own.

    As little as shows that it learns: a processor computes float16 many times slower than float32.
    """
    data = datasets.load("mnist5k").take(slice(0, 300))
    keras.utils.set_random_seed(0)
    recipe = dataclasses.replace(RECIPE, widths=(8, 8), epochs=2, small_epochs=0, dtype="mixed_float16")
    model, history = training.train_fast(recipe, data)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert float(model.optimizer.dynamic_scale) >= 2
    assert history["loss"][-1] < history["loss"][0]
