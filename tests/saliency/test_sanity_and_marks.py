"""Shuffled networks come back as they were, and marks lie where their mask says."""

import numpy as np
import pytest

from cnn_course import models, saliency


def test_layers_are_shuffled_from_the_last_to_the_first_and_come_back():
    model = saliency.explainable(models.averaging_cnn((16, 16, 3), 4, stages=((4,), (6,))))
    before = model.get_weights()
    named = []
    for name in saliency.randomised(model, seed=0):
        named.append(name)
        if len(named) == 1:
            changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
            assert changed[:-2] == [False] * (len(before) - 2)
            assert changed[-2]
    assert named == [layer.name for layer in reversed(model.layers) if layer.weights]
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_an_array_keeps_its_numbers():
    model = saliency.explainable(models.averaging_cnn((16, 16, 3), 4, stages=((4,), (6,))))
    kernel = model.get_layer("logits").get_weights()[0]
    for _ in saliency.randomised(model, seed=0):
        shuffled = model.get_layer("logits").get_weights()[0]
    np.testing.assert_array_equal(np.sort(shuffled, axis=None), np.sort(kernel, axis=None))


def test_a_loop_that_is_left_early_gives_the_weights_back():
    model = saliency.explainable(models.averaging_cnn((16, 16, 3), 4, stages=((4,), (6,))))
    before = model.get_weights()
    loop = saliency.randomised(model, seed=0)
    next(loop)
    loop.close()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_marks_are_where_their_mask_says_and_nowhere_else():
    images = np.full((10, 32, 32, 3), 7, np.uint8)
    marked = saliency.with_marks(images, np.arange(10))
    mask = saliency.mark_mask(32, 32)
    assert mask.sum() == saliency.MARK_SIDE**2
    assert (marked[:, ~mask] == 7).all()
    for k in range(10):
        assert (marked[k, mask] == saliency.MARK_COLOURS[k]).all()
    assert (images == 7).all()
    apart = saliency.MARK_COLOURS[:, None].astype(int) - saliency.MARK_COLOURS
    assert np.abs(apart).sum(axis=-1)[~np.eye(10, dtype=bool)].min() > 60


def test_a_margin_enlarges_the_mask_within_the_image():
    assert saliency.mark_mask(32, 32, margin=4).sum() == 10 * 10


@pytest.mark.parametrize("images", [np.zeros((2, 8, 8, 1), np.uint8), np.zeros((3, 8, 8, 3), np.uint8)])
def test_marks_refuse_other_shapes(images):
    with pytest.raises(ValueError, match="wanted are"):
        saliency.with_marks(images, np.zeros(2, int))
