"""AugMix: its changes against SciPy and Pillow, and its mixture by what it must keep."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from scipy import ndimage

from cnn_course import training
from cnn_course.robustness import CHANGES, augmix, augmix_batches, blend, changed_copies, single_change
from cnn_course.robustness.augmix import _moved, _revalued

SIDE = 17


def picture(seed=0, side=SIDE):
    """Return one smooth random image (1, side, side, 3), 0 to 255, float32."""
    noise = np.random.default_rng(seed).normal(size=(1, side, side, 3))
    smooth = ndimage.gaussian_filter(noise, (0, 2, 2, 0))
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype("float32")


def moved(image, *, angle=0.0, shear=0.0, shift=0.0, along_rows=True):
    numbers = {name: tf.constant([value]) for name, value in (("angle", angle), ("shear", shear), ("shift", shift))}
    return _moved(tf.constant(image), **numbers, along_rows=tf.constant([along_rows])).numpy()


@settings(max_examples=10, deadline=None)
@given(angle=st.floats(-0.5, 0.5), seed=st.integers(0, 99))
def test_a_turn_is_that_of_scipy(angle, seed):
    image = picture(seed)
    middle = np.array([SIDE // 2, SIDE // 2])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # of (row, column)
    expected = ndimage.affine_transform(image[0, :, :, 0], turn, middle - turn @ middle, order=1)
    inner = np.s_[5:-5, 5:-5]  # beyond it the two treat the border differently
    np.testing.assert_allclose(moved(image, angle=angle)[0, :, :, 0][inner], expected[inner], atol=0.5)


@pytest.mark.parametrize("along_rows", [True, False])
def test_shift_and_shear_go_along_one_side(along_rows):
    image = picture()
    axis = 2 if along_rows else 1
    shifted = moved(image, shift=2 / SIDE, along_rows=along_rows)
    inner = [slice(None), slice(3, -3), slice(3, -3)]
    np.testing.assert_allclose(shifted[tuple(inner)], np.roll(image, -2, axis)[tuple(inner)], atol=1e-2)
    sheared = moved(image, shear=0.3, along_rows=along_rows)
    through_the_middle = [slice(None)] * 3
    through_the_middle[3 - axis] = SIDE // 2
    np.testing.assert_allclose(sheared[tuple(through_the_middle)], image[tuple(through_the_middle)], atol=1e-2)
    assert np.abs(sheared - image).max() > 5


def test_without_a_change_nothing_moves():
    np.testing.assert_allclose(moved(picture()), picture(), atol=1e-3)


def revalued(image, **levels):
    order = ("stretch", "coarsen", "solarise")
    return _revalued(tf.constant(image), *(tf.constant([levels.get(name, 0.0)]) for name in order)).numpy()[0]


@pytest.mark.parametrize("level", [0.1, 0.3, 0.6])
def test_changes_of_value_are_those_of_pillow(level):
    image = np.rint(60 + 0.5 * picture()).clip(0, 255).astype("float32")
    theirs = Image.fromarray(image[0].astype("uint8"))
    levels = 4 - int(4 * level)
    np.testing.assert_array_equal(revalued(image, coarsen=level), np.asarray(ImageOps.posterize(theirs, levels)))
    threshold = int(np.ceil(256 - 256 * level))
    np.testing.assert_array_equal(revalued(image, solarise=level), np.asarray(ImageOps.solarize(theirs, threshold)))
    np.testing.assert_allclose(revalued(image, stretch=level), np.asarray(ImageOps.autocontrast(theirs)), atol=1.01)
    np.testing.assert_array_equal(revalued(image), image[0])


def test_a_single_change_is_the_one_of_its_name():
    image = np.rint(60 + 0.5 * picture()).clip(0, 255).astype("float32")
    expected = {
        "rotate": moved(image, angle=0.3 * np.pi / 6),
        "shear": moved(image, shear=0.3 * 0.3),
        "shift": moved(image, shift=0.3 / 3),
        "contrast to the full range": revalued(image, stretch=0.3)[np.newaxis],
        "fewer levels": revalued(image, coarsen=0.3)[np.newaxis],
        "solarise": revalued(image, solarise=0.3)[np.newaxis],
    }
    assert tuple(expected) == CHANGES
    for kind, wanted in expected.items():
        np.testing.assert_allclose(single_change(image, kind, 0.3), wanted, atol=1e-3)
        assert np.abs(wanted - image).max() > 5 or kind == "solarise"  # no value is so bright


@pytest.mark.parametrize(("kind", "level", "message"), [("mirror", 0.3, "no change 'mirror'"), ("shear", 0, "level")])
def test_a_single_change_that_there_is_not_is_refused(kind, level, message):
    with pytest.raises(ValueError, match=message):
        single_change(picture(), kind, level)


def test_a_white_image_grows_as_dark_as_the_draws_say():
    white = np.full((2000, 8, 8, 3), 255, "uint8")
    # Of the six changes one turns white to black. A chain has one to three of them, the share is a half on average.
    chance = np.mean([1 - (5 / 6) ** k for k in (1, 2, 3)])
    darker = 1 - augmix(white, [0, 1]).numpy().mean() / 255
    assert 0.9 < darker / (0.5 * chance) < 1.25
    assert 1 - augmix(white, [0, 1], depth=1).numpy().mean() / 255 < 0.7 * darker


def test_an_image_of_one_colour_is_stretched_to_itself():
    flat = np.full((1, 4, 4, 3), 77, "float32")
    np.testing.assert_array_equal(revalued(flat, stretch=0.3), flat[0])


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 999), strength=st.floats(0.5, 10), channels=st.sampled_from([1, 3]))
def test_a_mixture_stays_an_image_and_its_seed_decides(seed, strength, channels):
    images = np.random.default_rng(seed).integers(0, 256, (6, 12, 12, channels), "uint8")
    once, again, other = (augmix(images, [seed, k], strength=strength).numpy() for k in (0, 0, 1))
    assert once.shape == images.shape
    assert once.min() >= -1e-3
    assert once.max() <= 255 + 1e-3
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - other).max() > 1


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 999), count=st.integers(1, 4), copies=st.integers(1, 4))
def test_a_blend_is_the_sum_of_its_parts(seed, count, copies):
    rng = np.random.default_rng(seed)
    images, changed = rng.normal(size=(count, 5, 4, 3)), rng.normal(size=(copies, count, 5, 4, 3))
    weights, share = rng.dirichlet(np.ones(copies), count).T, rng.random(count)
    expected = [
        (1 - share[i]) * images[i] + share[i] * sum(weights[m, i] * changed[m, i] for m in range(copies))
        for i in range(count)
    ]
    found = blend(*(tf.constant(each, tf.float32) for each in (images, changed, weights, share)))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_each_copy_of_each_image_is_changed_by_draws_of_its_own():
    images = np.repeat(picture(side=16), 4, axis=0)
    copies = changed_copies(images, [0, 1], chains=3).numpy()
    assert copies.shape == (3, 4, 16, 16, 3)
    assert len({copy.tobytes() for copy in copies.reshape(12, -1)}) == 12


def test_each_image_has_draws_of_its_own():
    same = np.repeat(picture(side=16), 8, axis=0)
    mixed = augmix(same, [0, 1]).numpy()
    assert len({image.tobytes() for image in mixed}) == 8


def test_stronger_changes_leave_less_of_the_image():
    images = np.concatenate([picture(seed, 16) for seed in range(20)])
    weak, strong = (np.abs(augmix(images, [0, 1], strength=s).numpy() - images).mean() for s in (1.0, 10.0))
    assert strong > 1.5 * weak


def test_batches_are_mixed_anew_in_each_step_and_a_training_that_goes_on_sees_the_same():
    recipe = training.FastRecipe(widths=(8,), batch_size=4)
    images = np.random.default_rng(0).integers(0, 256, (8, 12, 12, 3), "uint8")
    labels = np.arange(8)
    whole = list(augmix_batches(recipe, images, labels, steps=(0, 4)).as_numpy_iterator())
    later = list(augmix_batches(recipe, images, labels, steps=(2, 4)).as_numpy_iterator())
    assert len(whole) == 4
    for (mixed, of_mixed), (again, of_again) in zip(whole[2:], later, strict=True):
        np.testing.assert_array_equal(mixed, again)
        np.testing.assert_array_equal(of_mixed, of_again)
    plain = training.recipe_batches(recipe, images, labels, steps=(0, 4)).as_numpy_iterator()
    for step, ((mixed, of_mixed), (moved, of_moved)) in enumerate(zip(whole, plain, strict=True)):
        np.testing.assert_array_equal(of_mixed, of_moved)
        assert np.abs(mixed - moved).mean() > 1
        np.testing.assert_allclose(mixed, augmix(moved, tf.constant([0, step], tf.int64)), atol=1e-2)


@pytest.mark.parametrize("strength", [0.0, 11.0])
def test_a_strength_out_of_range_is_refused(strength):
    recipe = training.FastRecipe(batch_size=1)
    with pytest.raises(ValueError, match="at most 10"):
        augmix_batches(recipe, np.zeros((1, 4, 4, 3), "uint8"), np.zeros(1, int), steps=(0, 1), strength=strength)
