"""Grad-CAM is that of tf-keras-vis and of the formula; every method finds what a network was made to look at."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from tf_keras_vis.gradcam import Gradcam

from cnn_course import models, saliency


def red_or_green():
    """A classifier made by hand: its two maps are the red and the green channel, its logits their means."""
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.Conv2D(2, 1, use_bias=False, name="maps"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, use_bias=False, name="logits"),
        ]
    )
    model.set_weights([np.array([[1, 0], [0, 1], [0, 0]], "float32")[None, None], 8 * np.eye(2, dtype="float32")])
    return model


def spots():
    """Images with a red spot on the left and a green one on the right, and the masks of both."""
    images, masks = np.zeros((2, 16, 16, 3), "float32"), np.zeros((2, 2, 16, 16), bool)
    masks[0, :, 4:8, 2:6] = masks[1, :, 9:13, 10:14] = True
    images[..., 0], images[..., 1] = masks[0], masks[1]
    return images, masks


@pytest.mark.parametrize("method", ["Grad-CAM", "Grad-CAM++", "Score-CAM"])
@pytest.mark.parametrize("class_", [0, 1])
def test_each_method_that_weighs_maps_finds_the_spot_of_the_class(method, class_):
    images, masks = spots()
    maps = saliency.Explainer(red_or_green())(method, images, class_)
    assert maps.shape == (2, 16, 16)
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    assert saliency.pointing_game(maps, masks[class_]).all()
    assert (saliency.energy_inside(maps, masks[class_]) > 0.6).all()


def test_the_gradient_of_a_linear_classifier_is_its_weight_everywhere():
    images, _ = spots()
    for method in ("gradient", "SmoothGrad"):
        maps = saliency.Explainer(red_or_green())(method, images, 0)
        np.testing.assert_allclose(maps, 8 / 256, rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 4), st.sampled_from([8, 12, 20]), st.integers(0, 2**16))
def test_grad_cam_is_that_of_tf_keras_vis(count, side, seed):
    random = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    explainer = saliency.Explainer(models.averaging_cnn((side, side, 3), 5, stages=((4,), (6,))), batch_size=3)
    images = random.integers(0, 256, (count, side, side, 3)).astype("float32")
    classes = random.integers(0, 5, count)
    expected = Gradcam(explainer.model, clone=False)(
        lambda outputs: tf.gather(outputs, classes, batch_dims=1),
        images,
        penultimate_layer=explainer.layer,
        seek_penultimate_conv_layer=False,
        expand_cam=False,
        normalize_cam=False,
    )
    expected = saliency.enlarged(np.asarray(expected), (side, side))
    np.testing.assert_allclose(explainer.grad_cam(images, classes), expected, atol=1e-5 * max(expected.max(), 1e-6))


def test_behind_a_mean_the_weight_of_a_map_is_the_dense_weight_by_its_size():
    images, masks = spots()
    maps = saliency.Explainer(red_or_green()).grad_cam(images, 0)
    np.testing.assert_allclose(maps, masks[0] * 8 / 256, atol=1e-7)


def test_the_layer_can_be_chosen_and_images_go_in_batches():
    keras.utils.set_random_seed(0)
    model = models.averaging_cnn((16, 16, 3), 4, stages=((4,), (6,)))
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3)).astype("uint8")
    name = saliency.layer_names(saliency.explainable(model))[1]
    whole, parts = (saliency.Explainer(model, layer=name, batch_size=size).grad_cam(images, 1) for size in (5, 2))
    np.testing.assert_allclose(whole, parts, atol=1e-6)
    assert not np.allclose(whole, saliency.Explainer(model).grad_cam(images, 1))


def test_smooth_grad_follows_its_seed_and_leaves_the_global_generator_alone():
    keras.utils.set_random_seed(0)
    explainer = saliency.Explainer(models.averaging_cnn((16, 16, 3), 4, stages=((4,), (6,))))
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype("float32")
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (explainer.smooth_grad(images, 1, samples=3, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_nothing_is_printed(capsys):
    images, _ = spots()
    explainer = saliency.Explainer(red_or_green())
    for method in saliency.METHODS:
        explainer(method, images, 0)
    explainer.maximise([0, 1], size=(8, 8), steps=2)
    assert capsys.readouterr() == ("", "")


def test_a_maximised_image_has_the_colour_of_its_class():
    images = saliency.Explainer(red_or_green()).maximise([0, 1], size=(8, 12), steps=20, smoothness=0.0)
    assert images.shape == (2, 8, 12, 3)
    assert images.dtype == np.uint8
    red, green, _ = images.mean(axis=(1, 2)).T
    assert red[0] > green[0] + 20
    assert green[1] > red[1] + 20


def test_probabilities_are_those_of_the_softmax():
    images, _ = spots()
    explainer = saliency.Explainer(red_or_green())
    expected = keras.ops.softmax(explainer.logits(images)).numpy()
    np.testing.assert_allclose(explainer.probabilities(images, np.array([0, 1])), [expected[0, 0], expected[1, 1]])


def test_probabilities_of_a_sigmoid_are_its_own():
    images, _ = spots()
    model = keras.Sequential([red_or_green(), layers.Dense(1, activation="sigmoid")])
    explainer = saliency.Explainer(model)
    np.testing.assert_allclose(explainer.probabilities(images, 0), model.predict(images, verbose=0)[:, 0], rtol=1e-5)
    with pytest.raises(ValueError, match="has one output"):
        explainer.score_cam(images, 0)


def test_grad_cam_plus_plus_bears_large_logits():
    images, masks = spots()
    model = red_or_green()
    model.layers[-1].set_weights([1e5 * np.eye(2, dtype="float32")])
    explainer = saliency.Explainer(model)
    assert explainer.logits(images).max() > 200
    maps = explainer.grad_cam_plus_plus(images, 1)
    assert np.isfinite(maps).all()
    assert saliency.pointing_game(maps, masks[1]).all()


def test_by_default_maps_of_one_cell_are_passed_over():
    inputs = keras.Input((8, 8, 3))
    maps = layers.Conv2D(4, 3, name="maps")(inputs)
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(maps)
    model = keras.Model(inputs, layers.Flatten()(layers.Conv2D(2, 1, name="classes")(pooled)))
    assert saliency.Explainer(model).layer == "maps"
    with pytest.raises(ValueError, match=r"no layer 'classes' with maps .* are maps"):
        saliency.Explainer(model, layer="classes")


def test_enlarging_keeps_the_middle_of_every_cell():
    for place in range(1, 7):
        small = np.zeros((1, 8, 8))
        small[0, place, place] = 1
        large = saliency.enlarged(small, (32, 32))[0]
        middle = (large.sum(axis=0) * np.arange(32)).sum() / large.sum()
        assert middle == pytest.approx(4 * place + 1.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e, x: saliency.Explainer(red_or_green(), layer="logits"), "no layer 'logits' with maps .* are maps"),
        (lambda e, x: saliency.Explainer(red_or_green(), layer="nonsense"), "no layer 'nonsense'"),
        (lambda e, x: saliency.Explainer(models.mlp((8, 8, 3))), "has no layer with maps"),
        (lambda e, x: e("LIME", x, 0), "no method 'LIME'; there are Grad-CAM, "),
        (lambda e, x: e.grad_cam(x[0], 0), r"\(16, 16, 3\); the model takes \(n, None, None, 3\)"),
        (lambda e, x: e.grad_cam(x[..., :1], 0), "the model takes"),
        (lambda e, x: e.grad_cam(x[:0], 0), "n from 1"),
        (lambda e, x: e.grad_cam(x, 2), "whole numbers from 0 to 1"),
        (lambda e, x: e.grad_cam(x, 0.5), "whole numbers from 0 to 1"),
        (lambda e, x: e.grad_cam(x, [0, 1, 0]), r"2 images and classes of shape \(3,\)"),
        (lambda e, x: e.probabilities(x, [[0], [1]]), r"2 images and classes of shape \(2, 1\)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    images, _ = spots()
    with pytest.raises(ValueError, match=message):
        call(saliency.Explainer(red_or_green()), images)
