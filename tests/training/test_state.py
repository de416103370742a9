"""The state of a training: made before the first step, so that a step is traced once, and set back to the beginning."""

import keras
import numpy as np
import pytest
from keras import layers

from cnn_course import datasets, training


class Counted(layers.Layer):
    """A layer that changes nothing and counts how often it is called for training, which is once in each tracing."""

    calls = 0

    def call(self, inputs, training=None):
        Counted.calls += bool(training)
        return inputs


def counted_classifier():
    Counted.calls = 0
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            Counted(),
            layers.AveragePooling2D(8),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def few():
    return datasets.load("shapes10", size=200).split(100, 0, 50).train


def trained_in_one_cycle(model):
    training.train_one_cycle(model, few(), epochs=2, batch_size=50, peak_rate=1e-3)


def trained_by_the_recipe(model):
    recipe = training.FastRecipe(epochs=2, batch_size=50, dtype="float32", optimiser="sgd")
    training.fit_recipe(model, recipe, few())


of_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends trace otherwise")


@of_tensorflow
@pytest.mark.parametrize("train", [trained_in_one_cycle, trained_by_the_recipe])
def test_a_training_step_is_traced_once(train):
    model = counted_classifier()
    train(model)
    assert Counted.calls == 1


@of_tensorflow
def test_without_it_keras_traces_a_step_twice():
    """Where this fails, Keras makes its variables early enough, and build_state has become superfluous."""
    model, images = counted_classifier(), few()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(datasets.batches(images, 50), verbose=0)
    assert Counted.calls == 2


def test_made_beforehand_it_changes_no_number():
    weights = []
    for early in (False, True):
        model = counted_classifier()
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        if early:
            training.build_state(model, 10)
            assert model.optimizer.built
            assert int(model.optimizer.iterations) == 0
        history = model.fit(datasets.batches(few(), 50), epochs=2, verbose=0).history
        weights.append([*model.get_weights(), history["loss"], history["accuracy"]])
    for ours, keras_own in zip(*weights, strict=True):
        np.testing.assert_array_equal(ours, keras_own)


def test_a_compiled_model_can_be_trained_anew_as_if_it_were_new():
    data = datasets.load("mnist5k").take(slice(0, 300))
    recipe = training.FastRecipe(widths=(12, 24, 24), epochs=4, batch_size=30, dtype="float32")
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
