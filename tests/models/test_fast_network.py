"""The fast network: its weights, the sizes of images that it takes, and what stays float32."""

import keras
import numpy as np
import pytest

from cnn_course import models


@pytest.mark.parametrize(("widths", "channels"), [((64, 256, 256), 3), ((4, 6), 1)])
def test_it_has_the_weights_of_its_widths(widths, channels):
    whitening = 8 * channels
    total = 4 * channels * whitening
    for before, after in zip((whitening, *widths), widths, strict=False):
        total += 9 * before * after + 9 * after * after + 2 * 3 * after
    model = models.fast_network((None, None, channels), 7, widths=widths)
    assert model.count_params() == total + widths[-1] * 7


def test_the_student_is_small():
    assert models.student().count_params() < 80_000


def test_it_learns_everything_but_the_whitening():
    model = models.fast_network(widths=(4, 4))
    fixed = [weights.path for weights in model.weights if not weights.trainable]
    assert [path for path in fixed if "moving" not in path] == ["whitening/kernel"]


def test_the_same_weights_take_images_of_other_sizes():
    model = models.fast_network(widths=(4, 4, 4))
    rng = np.random.default_rng(0)
    for size in (20, 24, 32):
        logits = np.asarray(model(rng.integers(0, 256, (2, size, size, 3)).astype("uint8")))
        assert logits.shape == (2, 10)
        assert np.isfinite(logits).all()


def test_in_mixed_precision_weights_and_logits_stay_float32():
    model = models.fast_network(widths=(4, 4), dtype="mixed_bfloat16")
    assert {weights.dtype for weights in model.weights} == {"float32"}
    assert model.output.dtype == "float32"
    assert model.get_layer("block1_1_conv").output.dtype == "bfloat16"


def test_a_saved_network_gives_the_same_logits(tmp_path):
    keras.utils.set_random_seed(0)
    model = models.student()
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    model.save(tmp_path / "student.keras")
    loaded = keras.models.load_model(tmp_path / "student.keras")
    np.testing.assert_array_equal(np.asarray(model(images)), np.asarray(loaded(images)))
