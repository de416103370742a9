"""Segmentation: the measures against counted sets, the loss against Keras, the U-Net by its shapes, pairs that stay."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special
from sklearn import metrics

from cnn_course import datasets, segmentation

MASKS = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda shape: st.tuples(hnp.arrays(bool, shape), hnp.arrays(bool, shape))
)


@settings(deadline=None)
@given(MASKS)
def test_the_measures_are_those_of_sets_of_pixels(masks):
    predicted, truth = masks
    for p, t, overlap, coefficient in zip(
        predicted, truth, segmentation.iou(*masks), segmentation.dice(*masks), strict=True
    ):
        p, t = ({tuple(place) for place in np.argwhere(mask)} for mask in (p, t))
        assert overlap == pytest.approx(len(p & t) / len(p | t) if p | t else 1)
        assert coefficient == pytest.approx(2 * len(p & t) / (len(p) + len(t)) if p | t else 1)
        assert coefficient == pytest.approx(2 * overlap / (1 + overlap))


def test_the_measures_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.random((5, 12, 9)) < 0.3
    predicted = truth ^ (rng.random(truth.shape) < 0.1)
    pairs = list(zip(truth.reshape(5, -1), predicted.reshape(5, -1), strict=True))
    np.testing.assert_allclose(segmentation.iou(predicted, truth), [metrics.jaccard_score(*pair) for pair in pairs])
    np.testing.assert_allclose(segmentation.dice(predicted, truth), [metrics.f1_score(*pair) for pair in pairs])


@pytest.mark.parametrize("measure", [segmentation.iou, segmentation.dice])
@pytest.mark.parametrize(
    ("predicted", "truth", "reason"),
    [
        (np.zeros((2, 4, 4)), np.zeros((2, 4, 4), bool), "predicted is float64"),
        (np.zeros((2, 4, 4), bool), np.zeros((2, 4, 4, 1), bool), "truth is bool"),
        (np.zeros((2, 4, 4), bool), np.zeros((2, 4, 5), bool), "must be equal"),
    ],
)
def test_what_is_no_pair_of_masks_is_refused(measure, predicted, truth, reason):
    with pytest.raises(ValueError, match=reason):
        measure(predicted, truth)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 999), weight=st.floats(0, 3))
def test_the_loss_is_cross_entropy_and_one_minus_dice(seed, weight):
    rng = np.random.default_rng(seed)
    truth = (rng.random((3, 5, 4, 1)) < 0.3).astype("float32")
    logits = rng.normal(0, 2, truth.shape).astype("float32")
    p = special.expit(logits.astype("float64"))
    entropy = -(truth * np.log(p) + (1 - truth) * np.log1p(-p)).mean(axis=(1, 2, 3))
    soft = (2 * (p * truth).sum(axis=(1, 2, 3)) + 1) / (p.sum(axis=(1, 2, 3)) + truth.sum(axis=(1, 2, 3)) + 1)
    found = segmentation.MaskLoss(weight, reduction=None)(truth, logits)
    np.testing.assert_allclose(found, entropy + weight * (1 - soft), rtol=1e-4)


def test_without_smoothing_the_soft_dice_is_that_of_keras():
    rng = np.random.default_rng(0)
    truth = (rng.random((3, 5, 4, 1)) < 0.3).astype("float32")
    logits = rng.normal(0, 2, truth.shape).astype("float32")
    of_keras = keras.losses.Dice(reduction=None, axis=(1, 2, 3))(truth, special.expit(logits))
    np.testing.assert_allclose(1 - segmentation.soft_dice(truth, logits, smooth=0.0), of_keras, rtol=1e-5)


def test_the_loss_is_saved_with_its_weight_and_refuses_a_negative_one():
    loss = segmentation.MaskLoss(0.5)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.dice_weight == 0.5
    with pytest.raises(ValueError, match="at least 0"):
        segmentation.MaskLoss(-1)


@pytest.mark.parametrize(("shape", "widths"), [((32, 32, 3), (4, 8, 16)), ((16, 24, 1), (4, 8)), ((8, 8, 3), (2,) * 4)])
@pytest.mark.parametrize("skip", [True, False])
def test_the_unet_gives_a_logit_for_each_pixel(shape, widths, skip):
    model = segmentation.unet(shape, widths=widths, skip=skip)
    logits = model(np.random.default_rng(0).integers(0, 256, (2, *shape)).astype("uint8"))
    assert logits.shape == (2, *shape[:2], 1)
    assert model.get_layer(f"down{len(widths)}_relu2").output.shape[1] == shape[0] // 2 ** (len(widths) - 1)


@pytest.mark.parametrize("skip", [True, False])
def test_only_skip_connections_bring_the_finest_maps_to_the_result(skip):
    model = segmentation.unet((16, 16, 3), widths=(4, 8), skip=skip)
    last = model.get_layer("up1_conv1")
    assert last.input.shape[-1] == (8 if skip else 4)
    # With the way through the bottleneck cut, the result depends on the image through the skip connections alone.
    enlarge = model.get_layer("up1_enlarge")
    enlarge.kernel.assign(np.zeros(enlarge.kernel.shape))
    images = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    first, second = np.asarray(model(images, training=False))
    assert bool(np.abs(first - second).max() > 1e-4) is skip


@pytest.mark.parametrize(
    ("arguments", "reason"), [({"widths": (8,)}, "two levels"), ({"widths": (4,) * 7}, "halved 6")]
)
def test_a_unet_that_cannot_be_is_refused(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        segmentation.unet((32, 32, 3), **arguments)


def test_image_and_mask_move_together_and_all_eight_symmetries_come():
    ramp = np.arange(16, dtype="float32").reshape(4, 4, 1)
    images, masks = np.tile(ramp, (400, 1, 1, 1)), np.tile(ramp, (400, 1, 1, 1))
    moved, with_it = segmentation.mirror_and_turn(tf.constant(images), tf.constant(masks), [0, 1])
    np.testing.assert_array_equal(moved, with_it)
    seen = {np.asarray(image).tobytes(): image for image in moved}
    expected = {np.ascontiguousarray(np.rot90(side, k)).tobytes() for side in (ramp, ramp[:, ::-1]) for k in range(4)}
    assert set(seen) == expected
    again, _ = segmentation.mirror_and_turn(tf.constant(images), tf.constant(masks), [0, 1])
    np.testing.assert_array_equal(moved, again)


@pytest.mark.parametrize("augment", [False, True])
def test_batches_keep_each_mask_with_its_image(augment):
    data = datasets.load("shapes10", size=60)
    # The mask of an image is written into the image, where it can be compared after the pipeline.
    images = np.repeat(data.masks[..., np.newaxis], 3, axis=-1).astype("uint8") * 255
    marked = datasets.Dataset("marked", images, data.labels, data.class_names, "test", data.masks)
    batches = segmentation.mask_batches(marked, 25, shuffle=0, augment=augment)
    sizes = []
    for seen, masks in batches:
        sizes.append(len(seen))
        assert (seen.dtype, masks.dtype) == (tf.float32, tf.float32)
        np.testing.assert_array_equal(seen[..., :1] / 255, masks)
    assert sizes == [25, 25, 10]


def test_each_epoch_has_an_order_and_draws_of_its_own():
    data = datasets.load("shapes10", size=30)
    for shuffle, augment in ((0, False), (None, True), (0, True)):
        batches = segmentation.mask_batches(data, 30, shuffle=shuffle, augment=augment)
        (first, _), (second, _) = (next(iter(batches)) for _ in range(2))
        assert not np.array_equal(first, second), (shuffle, augment)


def test_a_set_without_masks_or_of_another_shape_is_refused():
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (4, 8, 6, 3), "uint8"), np.arange(4) % 2
    bare = datasets.Dataset("bare", images, labels, ("a", "b"), "test")
    with pytest.raises(ValueError, match="bare has no masks"):
        segmentation.mask_batches(bare, 2)
    oblong = datasets.Dataset("oblong", images, labels, ("a", "b"), "test", np.zeros((4, 8, 6), bool))
    assert len(segmentation.mask_batches(oblong, 2)) == 2
    with pytest.raises(ValueError, match="only square ones"):
        segmentation.mask_batches(oblong, 2, augment=True)


def test_the_predicted_mask_is_where_the_probability_is_above_one_half():
    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, inputs - 100.0)
    images = np.random.default_rng(0).uniform(0, 200, (3, 4, 4, 1)).astype("float32")
    found = segmentation.predicted_masks(model, images, batch_size=2)
    assert found.dtype == bool
    np.testing.assert_array_equal(found, images[..., 0] > 100)


def test_a_small_unet_learns_where_the_shape_is():
    keras.utils.set_random_seed(0)
    data = datasets.load("shapes10", size=300)
    model = segmentation.unet(widths=(8, 16))
    model.compile(keras.optimizers.Adam(1e-2), segmentation.MaskLoss(), jit_compile=False)
    model.fit(segmentation.mask_batches(data, 20, shuffle=0, augment=True), epochs=5, shuffle=False, verbose=0)
    found = segmentation.predicted_masks(model, data.images)
    everything = segmentation.iou(np.ones_like(data.masks), data.masks).mean()
    assert segmentation.iou(found, data.masks).mean() > 0.4 > 2 * everything
