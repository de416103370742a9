"""Views: what each part of the draw may do to an image, and what it must leave."""

import colorsys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cnn_course.contrastive import Views, colour_matrices, draw_views, two_views
from cnn_course.contrastive.views import _blurred

WHOLE = Views(smallest_area=1.0, flip=False, jitter=0.0, grey=0.0)


def pictures(count=6, side=12, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, channels), "uint8")


def test_without_any_draw_the_whole_image_is_left_apart_from_its_sides():
    # The ratio of the sides is drawn all the same: of a whole image only the longer side fits.
    ramp = np.tile(np.arange(12, dtype="uint8")[:, None, None], (5, 1, 12, 3))
    drawn = draw_views(ramp, [0, 1], WHOLE).numpy()
    assert drawn.shape == ramp.shape
    assert np.ptp(drawn, axis=2).max() < 1e-3  # rows stay rows
    assert (np.diff(drawn[..., 0], axis=1) >= -1e-3).all()  # and in their order


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 999),
    size=st.sampled_from([None, 8, 20]),
    blur=st.sampled_from([0.0, 0.5]),
    turn=st.booleans(),
    side=st.integers(9, 16),
)
def test_views_are_images_of_the_wanted_size_and_the_seed_decides(seed, size, blur, turn, side):
    images, views = pictures(side=side), Views(size=size, blur=blur, turn=turn)
    once, again, other = (draw_views(images, [seed, k], views).numpy() for k in (0, 0, 1))
    assert once.shape == (6, size or side, size or side, 3)
    assert once.min() >= 0
    assert once.max() <= 255
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - other).max() > 1


def test_the_two_views_of_an_image_are_drawn_apart_and_each_image_for_itself():
    same = np.repeat(pictures(1), 5, axis=0)
    drawn = two_views(same, [0, 1]).numpy()
    assert drawn.shape == (5, 2, 12, 12, 3)
    assert len({view.tobytes() for view in drawn.reshape(10, -1)}) == 10


def test_half_of_the_views_are_mirrored():
    ramp = np.tile(np.arange(0, 240, 20, dtype="uint8")[None, None, :, None], (400, 12, 1, 3))
    drawn = draw_views(ramp, [0, 1], Views(jitter=0.0, grey=0.0)).numpy()
    falls = drawn[:, 6, 0, 0] > drawn[:, 6, -1, 0]
    assert falls.mean() == pytest.approx(0.5, abs=0.1)
    never = draw_views(ramp, [0, 1], Views(flip=False, jitter=0.0, grey=0.0)).numpy()
    assert (never[:, 6, 0, 0] < never[:, 6, -1, 0]).all()


def test_turns_show_a_direction_in_all_four_ways():
    ramp = np.tile(np.arange(0, 240, 20, dtype="uint8")[None, None, :, None], (400, 12, 1, 3))
    drawn = draw_views(ramp, [0, 1], Views(turn=True, jitter=0.0, grey=0.0)).numpy()[..., 0]
    across = np.sign(np.round(drawn[:, 6, -1] - drawn[:, 6, 0]))
    down = np.sign(np.round(drawn[:, -1, 6] - drawn[:, 0, 6]))
    for each in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        assert ((across == each[0]) & (down == each[1])).mean() == pytest.approx(0.25, abs=0.08)


def test_a_crop_shows_at_least_the_smallest_area():
    # A ramp along each side: the range of a view's values says which part of the side it shows.
    places = np.arange(0, 256, 4, dtype="uint8")
    ramps = np.stack([*np.meshgrid(places, places, indexing="ij"), np.zeros((64, 64), "uint8")], axis=-1)
    views = Views(smallest_area=0.3, flip=False, jitter=0.0, grey=0.0)
    drawn = draw_views(np.repeat(ramps[None], 300, axis=0), [0, 1], views).numpy()
    tall, wide = (np.ptp(drawn[..., k], axis=(1, 2)) / 252 for k in (0, 1))
    assert (tall * wide).min() > 0.27
    assert (tall * wide).min() < 0.4
    ratios = wide / tall
    assert ratios.min() > 0.74
    assert ratios.max() < 1.35


@settings(max_examples=8, deadline=None)
@given(saturation=st.floats(0, 2), angle=st.floats(-3, 3), seed=st.integers(0, 99))
def test_a_colour_matrix_keeps_brightness_and_grey(saturation, angle, seed):
    matrix = colour_matrices(tf.constant([saturation], tf.float32), tf.constant([angle], tf.float32)).numpy()[0]
    colour = np.random.default_rng(seed).uniform(0, 255, 3)
    brightness = np.array([0.299, 0.587, 0.114])
    assert brightness @ matrix @ colour == pytest.approx(brightness @ colour, abs=0.5)
    np.testing.assert_allclose(matrix @ np.full(3, 77.0), 77.0, atol=0.5)


@settings(max_examples=8, deadline=None)
@given(saturation=st.floats(0, 2), angle=st.floats(-3, 3), seed=st.integers(0, 99))
def test_a_colour_matrix_stretches_and_turns_the_plane_of_colours(saturation, angle, seed):
    (matrix,) = colour_matrices(tf.constant([saturation], tf.float32), tf.constant([angle], tf.float32)).numpy()
    colour = np.random.default_rng(seed).uniform(0, 1, 3)
    # Python's own conversion has coefficients that differ from ours in the third digit.
    before, after = (complex(*colorsys.rgb_to_yiq(*each)[1:]) for each in (colour, matrix @ colour))
    assert after == pytest.approx(saturation * np.exp(1j * angle) * before, abs=0.02)


def test_a_turn_of_the_hue_goes_round_the_wheel_of_colours():
    (matrix,) = colour_matrices(tf.constant([1.0]), tf.constant([2 * np.pi / 3])).numpy()
    before = np.array([150.0, 100.0, 100.0])
    after = matrix @ before
    apart = (colorsys.rgb_to_hsv(*after)[0] - colorsys.rgb_to_hsv(*before)[0]) % 1
    assert min(apart, 1 - apart) == pytest.approx(1 / 3, abs=0.07)  # YIQ and HSV measure angles a little differently


def test_grey_views_have_no_colour_and_the_probability_says_how_many():
    views = Views(jitter=0.0, grey=0.3)
    drawn = draw_views(pictures(400), [0, 1], views).numpy()
    grey = np.ptp(drawn, axis=-1).max(axis=(1, 2)) < 0.1
    assert grey.mean() == pytest.approx(0.3, abs=0.08)


def test_jitter_moves_the_colours_of_as_many_views_as_its_probability_says():
    flat = np.full((400, 8, 8, 3), (90, 120, 60), "uint8")
    drawn = draw_views(flat, [0, 1], Views(jitter=0.5, jittered=0.8, grey=0.0)).numpy()
    moved = np.abs(drawn - flat).max(axis=(1, 2, 3)) > 0.5
    assert moved.mean() == pytest.approx(0.8, abs=0.07)
    least, most = drawn.max(axis=(1, 2, 3)).min(), drawn.max(axis=(1, 2, 3)).max()
    assert least < 90
    assert most > 140


def test_blur_is_a_gaussian():
    images = pictures(40).astype("float32")
    blurred = _blurred(tf.constant(images), [0, 1], 1.0).numpy()
    sigmas = np.arange(0.1, 1.01, 0.02)
    for image, found in zip(images, blurred, strict=True):
        candidates = [ndimage.gaussian_filter(image, (s, s, 0), mode="reflect", radius=2) for s in sigmas]
        assert min(np.abs(found - each).max() for each in candidates) < 5
    untouched = (np.abs(_blurred(tf.constant(images), [0, 1], 0.4).numpy() - images).max(axis=(1, 2, 3)) == 0).mean()
    assert untouched == pytest.approx(0.6, abs=0.2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"smallest_area": 0.0}, "share of the image"),
        ({"jitter": -1.0}, "0 or above"),
        ({"grey": 1.5}, "a probability"),
    ],
)
def test_what_cannot_be_drawn_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Views(**settings)


def test_grey_images_have_no_colours_to_change():
    with pytest.raises(ValueError, match="no colours"):
        draw_views(pictures(channels=1), [0, 1])
    assert draw_views(pictures(channels=1), [0, 1], Views(jitter=0.0, grey=0.0)).shape == (6, 12, 12, 1)
