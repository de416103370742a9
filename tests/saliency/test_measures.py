"""The measures of a map, against independent references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cnn_course import saliency, shapes

SHAPES = st.tuples(st.integers(1, 6), st.integers(2, 9), st.integers(2, 9), st.integers(0, 2**16))


@settings(max_examples=30, deadline=None)
@given(SHAPES)
def test_pointing_game_and_energy_are_those_of_a_loop(drawn):
    count, height, width, seed = drawn
    random = np.random.default_rng(seed)
    maps, masks = random.random((count, height, width)), random.random((count, height, width)) < 0.4
    for k in range(count):
        row, column = np.unravel_index(maps[k].argmax(), (height, width))
        assert saliency.pointing_game(maps, masks)[k] == masks[k, row, column]
        assert saliency.energy_inside(maps, masks)[k] == pytest.approx(maps[k][masks[k]].sum() / maps[k].sum())


def test_a_point_within_the_tolerance_counts():
    maps, masks = np.zeros((1, 9, 9)), np.zeros((1, 9, 9), bool)
    maps[0, 2, 2], masks[0, 4, 4] = 1, True
    assert [bool(saliency.pointing_game(maps, masks, tolerance=t)[0]) for t in (0, 1, 2)] == [False, False, True]


def test_tolerance_does_not_reach_into_another_image():
    maps, masks = np.ones((2, 3, 3)), np.zeros((2, 3, 3), bool)
    masks[1] = True
    assert saliency.pointing_game(maps, masks, tolerance=2).tolist() == [False, True]


def test_an_empty_map_has_no_energy_and_a_negative_one_is_refused():
    masks = np.ones((1, 3, 3), bool)
    assert saliency.energy_inside(np.zeros((1, 3, 3)), masks).tolist() == [0]
    with pytest.raises(ValueError, match="positive part"):
        saliency.energy_inside(np.full((1, 3, 3), -1.0), masks)


@pytest.mark.parametrize("measure", [saliency.pointing_game, saliency.energy_inside, saliency.rank_correlation])
def test_other_shapes_are_refused(measure):
    with pytest.raises(ValueError, match="must be the same"):
        measure(np.ones((2, 3, 3)), np.ones((2, 3, 4), bool))


@settings(max_examples=30, deadline=None)
@given(SHAPES)
def test_rank_correlation_is_spearmans(drawn):
    count, height, width, seed = drawn
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 9, (2, count, height, width)).astype(float)
    first[:, 0, 0], second[:, 0, 0] = 20, 30  # no map is constant
    found = saliency.rank_correlation(first, second)
    for a, b, value in zip(first, second, found, strict=True):
        assert value == pytest.approx(stats.spearmanr(a.ravel(), b.ravel()).statistic)


def test_a_constant_map_correlates_with_nothing():
    assert saliency.rank_correlation(np.ones((1, 3, 3)), np.random.default_rng(0).random((1, 3, 3))).tolist() == [0]


def brightness(images):
    return images.mean(axis=(1, 2, 3))


def test_insertion_and_deletion_take_the_pixels_in_the_order_of_the_map():
    images, black = np.zeros((1, 4, 4, 3)), np.zeros((1, 4, 4, 3))
    images[0, 0] = 1  # the first row
    right, opposite = images[..., 0].copy(), -images[..., 0]
    inserted = saliency.perturbed(brightness, images, black, right, insert=True, steps=4)
    deleted = saliency.perturbed(brightness, images, black, right, insert=False, steps=4)
    np.testing.assert_allclose(inserted, [[0, 0.25, 0.25, 0.25, 0.25]])
    np.testing.assert_allclose(deleted, [[0.25, 0, 0, 0, 0]])
    last = saliency.perturbed(brightness, images, black, opposite, insert=True, steps=4)
    np.testing.assert_allclose(last, [[0, 0, 0, 0, 0.25]])
    assert saliency.area_under(inserted) > saliency.area_under(last)


def test_every_portion_is_exact_although_hundredths_are_not():
    images, black = np.ones((1, 10, 10, 1)), np.zeros((1, 10, 10, 1))
    map_ = np.arange(100.0).reshape(1, 10, 10)
    curve = saliency.perturbed(brightness, images, black, map_, insert=True, steps=100)
    np.testing.assert_allclose(curve[0], np.arange(101) / 100, atol=1e-12)  # 55 / 100 * 100 is more than 55


def test_equal_values_come_in_random_order_and_not_by_rows():
    images, black = np.zeros((1, 16, 16, 3)), np.zeros((1, 16, 16, 3))
    images[0, :8] = 1
    curve = saliency.perturbed(brightness, images, black, np.zeros((1, 16, 16)), insert=True, steps=2)
    assert curve[0, 1] == pytest.approx(0.25, abs=0.06)  # by rows it would be 0.5


def test_perturbing_refuses_other_shapes():
    with pytest.raises(ValueError, match="replacement and maps"):
        saliency.perturbed(brightness, np.ones((1, 4, 4, 3)), np.ones((1, 4, 4)), np.ones((1, 4, 4)), insert=True)


def test_the_area_under_a_curve_is_the_trapezoidal_rule():
    curves = np.random.default_rng(0).random((3, 7))
    np.testing.assert_allclose(saliency.area_under(curves), np.trapezoid(curves, dx=1 / 6, axis=1))


def test_the_centre_map_is_symmetric_and_largest_in_the_middle():
    values = saliency.centre_map(8, 12)
    np.testing.assert_allclose(values, values[::-1, ::-1], rtol=1e-6)
    assert np.unravel_index(values.argmax(), values.shape) == (3, 5)


def test_random_maps_point_anywhere_alike():
    maps = saliency.random_maps(4000, 4, 4, seed=0)
    counts = np.bincount(maps.reshape(4000, -1).argmax(axis=1), minlength=16)
    assert counts.min() > 180
    assert counts.max() < 330


def test_mosaics_hold_four_classes_and_the_mask_of_the_one_asked_for():
    images, labels, masks = shapes.generate(30, 3)
    mosaics, asked, parts = saliency.mosaics(images, masks, labels)
    assert mosaics.shape == (30, 64, 64, 3)
    for k in range(30):
        assert len(set(labels[parts[k]])) == 4
        row, column = divmod(k % 4, 2)
        quarter = (slice(32 * row, 32 * row + 32), slice(32 * column, 32 * column + 32))
        assert parts[k, k % 4] == k
        np.testing.assert_array_equal(mosaics[k][quarter], images[k])
        np.testing.assert_array_equal(asked[k][quarter], masks[k])
        assert asked[k].sum() == masks[k].sum()
        for place, part in enumerate(parts[k]):
            r, c = divmod(place, 2)
            np.testing.assert_array_equal(mosaics[k, 32 * r : 32 * r + 32, 32 * c : 32 * c + 32], images[part])


def test_off_the_centre_an_image_lies_whole_within_its_own_edge_pixels():
    images, _, masks = shapes.generate(40, 5)
    wide, where = saliency.off_centre(images, masks, seed=1)
    assert (wide.shape, where.shape) == ((40, 64, 64, 3), (40, 64, 64))
    corners = set()
    for image, mask, large, large_mask in zip(images, masks, wide, where, strict=True):
        row = int(np.flatnonzero(large_mask.any(axis=1))[0] - np.flatnonzero(mask.any(axis=1))[0])
        column = int(np.flatnonzero(large_mask.any(axis=0))[0] - np.flatnonzero(mask.any(axis=0))[0])
        corners.add((row, column))
        np.testing.assert_array_equal(large[row : row + 32, column : column + 32], image)
        np.testing.assert_array_equal(large_mask[row : row + 32, column : column + 32], mask)
        assert large_mask.sum() == mask.sum()
        assert (large[:row, column : column + 32] == image[0]).all()
        assert (large[row : row + 32, column + 32 :] == image[:, -1:]).all()
    assert len(corners) > 30
    np.testing.assert_array_equal(wide, saliency.off_centre(images, masks, seed=1)[0])


def test_a_mosaic_needs_four_classes():
    with pytest.raises(ValueError, match="images of 3 classes"):
        saliency.mosaics(np.zeros((3, 4, 4, 3)), np.zeros((3, 4, 4), bool), np.arange(3))
