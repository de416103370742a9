"""Corruptions: each against another library's, or its definition, on photographs and on random images."""

import io

import numpy as np
import pytest
import skimage
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import color, data, filters, transform

from cnn_course.robustness import CORRUPTIONS, SEVERITIES, corrupt


@pytest.fixture(scope="module")
def photographs():
    """Six photographs at 32x32, uint8."""
    pictures = [data.cat(), data.coffee(), data.astronaut(), data.rocket(), data.chelsea()[:200, :200], data.coffee()]
    small = [transform.resize(picture, (32, 32), anti_aliasing=True) for picture in pictures]
    return skimage.img_as_ubyte(np.stack(small))


def parameter(kind, severity):
    return CORRUPTIONS[kind][1][severity - 1]


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_higher_severity_changes_photographs_more(kind, photographs):
    changes = [
        np.abs(corrupt(photographs, kind, severity).astype(float) - photographs).mean() for severity in SEVERITIES
    ]
    assert changes == sorted(changes)
    assert 0 < changes[0] < 0.8 * changes[-1]


@pytest.mark.parametrize("kind", CORRUPTIONS)
@settings(max_examples=5, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(9, 20), st.integers(9, 20), st.sampled_from([1, 3])),
    severity=st.sampled_from(SEVERITIES),
    seed=st.integers(0, 99),
)
def test_any_images_come_back_in_their_shape_and_the_seed_alone_decides(kind, shape, severity, seed):
    images = np.random.default_rng(seed).integers(0, 256, shape, "uint8")
    before = images.copy()
    once, again = (corrupt(images, kind, severity, seed=seed) for _ in range(2))
    assert once.shape == shape
    assert once.dtype == np.uint8
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_noise_has_the_standard_deviation_of_its_severity(severity):
    grey = np.full((20, 32, 32, 3), 128, "uint8")
    noise = corrupt(grey, "noise", severity) / 255 - 128 / 255
    assert noise.std() == pytest.approx(parameter("noise", severity), rel=0.02)
    assert abs(noise.mean()) < 1e-3
    assert not np.array_equal(noise[0], noise[1])


@pytest.mark.parametrize("severity", SEVERITIES)
def test_blur_is_that_of_scikit_image(severity, photographs):
    expected = filters.gaussian(photographs[0], parameter("blur", severity), mode="nearest", channel_axis=-1)
    np.testing.assert_allclose(corrupt(photographs, "blur", severity)[0], 255 * expected, atol=1)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_contrast_is_that_of_tensorflow(severity, photographs):
    expected = tf.image.adjust_contrast(photographs.astype("float32"), parameter("contrast", severity))
    np.testing.assert_allclose(corrupt(photographs, "contrast", severity), expected, atol=0.51)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_brightness_raises_the_value_of_hsv(severity, photographs):
    hsv = color.rgb2hsv(photographs)
    hsv[..., 2] = np.minimum(hsv[..., 2] + parameter("brightness", severity), 1)
    np.testing.assert_allclose(corrupt(photographs, "brightness", severity), 255 * color.hsv2rgb(hsv), atol=0.51)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_pixelate_is_that_of_pillow(severity, photographs):
    side = int(32 * parameter("pixelate", severity))
    picture = Image.fromarray(photographs[2]).resize((side, side), Image.BOX).resize((32, 32), Image.NEAREST)
    np.testing.assert_allclose(corrupt(photographs, "pixelate", severity)[2], np.asarray(picture), atol=1)


def test_jpeg_is_that_of_tensorflow_where_no_colour_is_averaged():
    grey = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 1), "uint8")
    written = io.BytesIO()
    Image.fromarray(grey[0, :, :, 0]).save(written, "jpeg", quality=parameter("JPEG", 5))
    expected = tf.io.decode_jpeg(written.getvalue(), dct_method="INTEGER_ACCURATE")
    np.testing.assert_allclose(corrupt(grey, "JPEG", 5)[0].astype(int), np.asarray(expected, int), atol=2)


def test_fog_lies_over_the_whole_image_and_hides_more_of_the_dark():
    black_and_white = np.zeros((4, 32, 32, 1), "uint8")
    black_and_white[:, :, 16:] = 255
    foggy = corrupt(black_and_white, "fog", 5) / 255
    amount = parameter("fog", 5)[0]
    assert foggy[:, :, :16].max() <= amount / (1 + amount) + 0.01
    assert foggy[:, :, 16:].min() >= 1 / (1 + amount) - 0.01
    # From a white image the mist itself can be read off: its amplitude falls with the frequency.
    white = np.full((50, 32, 32, 1), 255, "uint8")
    mist = ((1 + amount) * corrupt(white, "fog", 5)[..., 0] / 255 - 1) / amount
    assert mist.min() == pytest.approx(0, abs=0.01)
    assert mist.max() == pytest.approx(1, abs=0.01)
    amplitude = np.abs(np.fft.fft(mist, axis=2)).mean(axis=(0, 1))
    assert amplitude[1] > 2 * amplitude[3] > 4 * amplitude[9]


@pytest.mark.parametrize(
    ("kind", "severity", "images", "message"),
    [
        ("snow", 1, np.zeros((1, 4, 4, 3), "uint8"), "there are noise, blur"),
        ("noise", 0, np.zeros((1, 4, 4, 3), "uint8"), "must be 1, 2, 3, 4 or 5"),
        ("noise", 1, np.zeros((1, 4, 4, 3)), "must be uint8"),
        ("noise", 1, np.zeros((4, 4, 3), "uint8"), "must be uint8"),
    ],
)
def test_what_makes_no_sense_is_refused(kind, severity, images, message):
    with pytest.raises(ValueError, match=message):
        corrupt(images, kind, severity)
