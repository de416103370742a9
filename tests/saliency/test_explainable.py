"""Whatever classifier the course builds is opened, and computes the same; what cannot be is refused with a remedy."""

import keras
import numpy as np
import pytest
from keras import layers

from cnn_course import distillation, models, saliency


def images(count=3, side=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3)).astype("float32")


def small(**keywords):
    keras.utils.set_random_seed(0)
    return models.averaging_cnn((16, 16, 3), 4, stages=((4,), (6,)), **keywords)


def nested():
    """A functional model with a Sequential and a functional model in it, one of them within the other."""
    keras.utils.set_random_seed(1)
    deepest = keras.Sequential([keras.Input((16, 16, 4)), layers.Conv2D(5, 3, name="deepest_conv"), layers.ReLU()])
    inputs = keras.Input((16, 16, 3))
    body = keras.Model(inputs, deepest(layers.Conv2D(4, 3, padding="same", name="body_conv")(inputs)))
    whole = keras.Input((16, 16, 3))
    return keras.Model(whole, layers.Dense(4)(layers.GlobalAveragePooling2D()(body(layers.Rescaling(1 / 255)(whole)))))


def residual():
    keras.utils.set_random_seed(2)
    return models.resnet8((16, 16, 3), 4)


@pytest.mark.parametrize("build", [small, nested, residual], ids=["Sequential", "nested", "residual"])
def test_the_copy_is_flat_and_computes_the_same(build):
    model = build()
    copy = saliency.explainable(model)
    assert not any(isinstance(layer, keras.Model) for layer in copy.layers)
    np.testing.assert_allclose(copy(images()), model(images(), training=False), rtol=1e-4, atol=1e-5)


def test_layers_of_nested_models_are_found_by_their_names():
    copy = saliency.explainable(nested())
    assert saliency.layer_names(copy)[-2] == "deepest_conv"
    assert copy.get_layer("body_conv").output.shape == (None, 16, 16, 4)


def test_the_copy_has_weights_of_its_own():
    model = small()
    copy = saliency.explainable(model)
    before = model(images()).numpy()
    copy.set_weights([np.zeros_like(weights) for weights in copy.get_weights()])
    np.testing.assert_array_equal(model(images()), before)


def test_mixed_precision_becomes_float32():
    model = models.student((16, 16, 3), 4, dtype="mixed_bfloat16")
    copy = saliency.explainable(model)
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    coarse = model(images(), training=False).numpy()
    np.testing.assert_allclose(copy(images()), coarse, atol=0.05 * np.abs(coarse).max())


@pytest.mark.parametrize(
    "end",
    [
        lambda: layers.Softmax(),
        lambda: layers.Activation("softmax"),
        lambda: layers.Dense(4, activation="softmax"),
        lambda: layers.Dense(1, activation="sigmoid"),
    ],
)
def test_a_softmax_or_sigmoid_at_the_end_is_left_out(end):
    model = keras.Sequential([small(), end()])
    copy = saliency.explainable(model)
    logits, answers = copy(images()).numpy(), model(images()).numpy()
    assert np.abs(logits).max() > 0
    expected = keras.ops.sigmoid(logits) if answers.shape[1] == 1 else keras.ops.softmax(logits)
    np.testing.assert_allclose(answers, expected, rtol=1e-4)
    assert not np.allclose(logits, answers)


def test_a_softmax_inside_stays():
    inputs = keras.Input((8, 8, 3))
    weights = layers.Conv2D(3, 1, activation="softmax", name="attention")(inputs)
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.Multiply()([inputs, weights]))))
    some = images(side=8) / 255
    np.testing.assert_allclose(saliency.explainable(model)(some), model(some), rtol=1e-5)


def two_inputs():
    first, second = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    return keras.Model([first, second], layers.Dense(2)(layers.Flatten()(layers.Add()([first, second]))))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return self.dense(keras.ops.mean(inputs, axis=(1, 2)))


def subclassed_inside():
    inputs = keras.Input((8, 8, 3))
    return keras.Model(inputs, Subclassed()(inputs))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (Subclassed, TypeError, "keras.Model\\(inputs, outputs\\)"),
        (subclassed_inside, TypeError, "whose graph is not known"),
        (lambda: distillation.Distiller(small(), small()), TypeError, "the student of a Distiller"),
        (lambda: keras.Sequential([layers.Dense(2)]), ValueError, "keras.Input as its first layer"),
        (two_inputs, ValueError, "one batch of images"),
        (lambda: keras.Sequential([keras.Input((5,)), layers.Dense(2)]), ValueError, "one batch of images"),
        (
            lambda: models.efficientnet_lite0((32, 32, 3), include_top=False, weights=None),
            ValueError,
            "needs one first",
        ),
        (lambda: "a name", TypeError, "Only Sequential and functional"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_a_remedy(build, error, message):
    model = build()
    with pytest.raises(error, match=message):
        saliency.explainable(model)
