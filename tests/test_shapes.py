"""The synthetic set: the same on every machine, each mask exact, and nothing but the shape tells the class."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.linear_model import RidgeClassifier

from cnn_course import datasets, shapes

GOLDEN = "082cc8bbe279e2bab4e384d13aef2b7c8319eed8e3495dea21f2a3245ca55075"


@pytest.fixture(scope="module")
def thousand():
    return shapes.generate(1000, seed=1)


def test_the_set_is_the_same_to_the_bit_on_every_machine():
    images, labels, masks = shapes.generate(200, seed=0)
    content = images.tobytes() + labels.astype("<i8").tobytes() + masks.tobytes()
    assert hashlib.sha256(content).hexdigest() == GOLDEN


def test_types_and_shapes(thousand):
    images, labels, masks = thousand
    assert (images.dtype, images.shape) == (np.uint8, (1000, 32, 32, 3))
    assert (labels.dtype, labels.shape) == (np.int64, (1000,))
    assert (masks.dtype, masks.shape) == (bool, (1000, 32, 32))


@settings(deadline=None, max_examples=20)
@given(count=st.integers(1, 700), seed=st.integers(0, 2**40))
def test_classes_are_balanced_and_a_smaller_set_begins_a_larger_one(count, seed):
    images, labels, masks = shapes.generate(count, seed)
    counts = np.bincount(labels, minlength=10)
    assert counts.max() - counts.min() <= 1
    fewer = shapes.generate(max(1, count // 2), seed)
    for part, whole in zip(fewer, (images, labels, masks), strict=True):
        np.testing.assert_array_equal(part, whole[: len(part)])


def test_another_seed_gives_other_images(thousand):
    assert not np.array_equal(shapes.generate(10, seed=2)[0], thousand[0][:10])


def test_refuses_an_empty_set():
    with pytest.raises(ValueError, match="count is 0"):
        shapes.generate(0)


def test_the_sine_table_is_right_to_half_a_unit():
    # The table is built in whole numbers alone; libm is the independent reference.
    exact = [math.sin(2 * math.pi * k / shapes.TURN) * shapes.ONE for k in range(shapes.TURN)]
    assert np.abs(shapes._SINE - exact).max() <= 0.5 + 1e-9


def test_masks_are_neither_tiny_nor_huge_and_lie_within_the_picture(thousand):
    _, _, masks = thousand
    share = masks.mean(axis=(1, 2))
    assert share.min() > 0.05
    assert share.max() < 0.40
    border = np.concatenate([masks[:, [0, -1]].reshape(1000, -1), masks[:, :, [0, -1]].reshape(1000, -1)], axis=1)
    # A curved edge may just reach the centre of a pixel on the border; a shape that is cut off covers many.
    assert border.sum(axis=1).max() <= 4


def test_each_shape_is_in_one_piece_and_only_the_ring_has_a_hole(thousand):
    _, labels, masks = thousand
    for mask, label in zip(masks, labels, strict=True):
        # Of a crescent's tip a single pixel may come off; nothing more does.
        assert np.bincount(ndimage.label(mask, structure=np.ones((3, 3)))[0][mask]).max() >= 0.95 * mask.sum()
        holes = ndimage.label(~np.pad(mask, 1))[1] - 1
        assert holes == (shapes.CLASS_NAMES[label] == "ring")


@pytest.mark.parametrize(
    ("name", "area"),
    [
        # Areas in units of the radius squared, from elementary geometry.
        ("disc", math.pi),
        ("ring", math.pi * (1 - 0.55**2)),
        ("half disc", math.pi / 2 * 0.92**2),
        ("triangle", 3 * math.sqrt(3) / 4),
        ("square", 2.0),
        ("star", 10 * math.tan(math.pi / 10) / (3 - math.tan(math.pi / 10) ** 2)),
        ("cross", 4 * 0.6 * 0.95 - 0.6**2),
        ("heart", 0.55**2 * (4 + math.pi)),
        ("arrow", 0.8 + 2 * 0.26 * 0.95),
    ],
)
def test_the_distance_is_positive_on_the_area_of_the_shape(name, area):
    radius = np.full((1, 1, 1), 800, np.int32)
    axis = np.arange(-1200, 1200, 4, dtype=np.int32)
    distance = shapes._SHAPES[name][0](axis[np.newaxis, np.newaxis, :], axis[np.newaxis, :, np.newaxis], radius)
    assert np.mean(distance >= 0) * 3**2 == pytest.approx(area, rel=0.02)
    inside = np.argwhere(distance[0] >= 0) * 4 - 1200
    assert np.hypot(*inside.T).max() <= 800 * 1.1


def test_the_shape_stands_out_from_the_ground(thousand):
    images, _, masks = thousand
    level = images.mean(axis=-1)
    inside = np.array([picture[mask].mean() for picture, mask in zip(level, masks, strict=True)])
    outside = np.array([picture[~mask].mean() for picture, mask in zip(level, masks, strict=True)])
    assert np.abs(inside - outside).min() > 40


def test_the_mask_is_the_drawn_shape():
    # Inside, a pixel is nearer the shape's own mean colour than the ground's; so the mask fits what is seen.
    images, _, masks = shapes.generate(200, seed=4)
    for picture, mask in zip(images.astype(float).mean(axis=-1), masks, strict=True):
        middle = (picture[mask].mean() + picture[~mask].mean()) / 2
        brighter = picture[mask].mean() > middle
        core = ndimage.binary_erosion(mask)
        assert np.mean((picture[core] > middle) == brighter) > 0.97


def test_the_colour_tells_nothing_about_the_class():
    # The mean colour inside and outside the mask, the best that colour offers, must not beat guessing.
    images, labels, masks = shapes.generate(4000, seed=5)
    inside = (images * masks[..., np.newaxis]).sum(axis=(1, 2)) / masks.sum(axis=(1, 2))[:, np.newaxis]
    outside = (images * ~masks[..., np.newaxis]).sum(axis=(1, 2)) / (~masks).sum(axis=(1, 2))[:, np.newaxis]
    colours = np.concatenate([inside, outside], axis=1)
    accuracy = RidgeClassifier().fit(colours[:2000], labels[:2000]).score(colours[2000:], labels[2000:])
    assert accuracy < 0.15


def test_a_linear_model_of_the_pixels_stays_under_40_percent():
    train, _, test = datasets.load("shapes10", seed=0, size=4000).split()
    train_pixels, test_pixels = (part.images.reshape(len(part), -1) / 255 for part in (train, test))
    accuracy = RidgeClassifier(alpha=300.0).fit(train_pixels, train.labels).score(test_pixels, test.labels)
    assert accuracy < 0.40
