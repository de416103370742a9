"""The checkers of lesson 09 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (0.98, "the weight of the mean"),
        (0.14, "more than 7 values"),
        (0.98 / 224**2, "not by the pixels"),
        (0.5, "49 values"),
    ],
)
def test_weight_of_a_map(answer, reason):
    assert verdict("09.1", 0.02)[0] is True
    assert reason in refused("09.1", answer)


def hits(maps, masks):
    places = maps.reshape(len(maps), -1).argmax(axis=1)
    return masks.reshape(len(masks), -1)[np.arange(len(maps)), places]


def in_place(maps, masks):
    share = hits(maps, masks).mean()
    maps -= maps.min()
    return share


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda maps, masks: hits(maps, masks).sum(), "number of hits"),
        (lambda maps, masks: 1 - hits(maps, masks).mean(), "the misses"),
        (lambda maps, masks: hits(-maps, masks).mean(), "smallest"),
        (lambda maps, masks: hits(maps, masks), "one number"),
        (lambda maps, masks: ((maps * masks).sum((1, 2)) / maps.sum((1, 2))).mean(), "energy"),
        (lambda maps, masks: 2.0, "point to the mask"),
        (in_place, "changed the maps"),
    ],
)
def test_share_of_hits(answer, reason):
    assert verdict("09.2", lambda maps, masks: hits(maps, masks).mean())[0] is True
    assert reason in refused("09.2", answer)


def occlusion(probability, image, side, *, fill=128, sign=1, keep=True):
    rows, columns = image.shape[0] // side, image.shape[1] // side
    drops = np.zeros((rows, columns))
    for r, c in np.ndindex(rows, columns):
        covered = image.copy() if keep else image
        covered[side * r : side * (r + 1), side * c : side * (c + 1)] = fill
        drops[r, c] = sign * (probability(image[None]) - probability(covered[None]))[0]
    return drops


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda p, image, side: occlusion(p, image, side, fill=0), "are black"),
        (lambda p, image, side: occlusion(p, image, side, sign=-1), "sign is wrong"),
        (lambda p, image, side: occlusion(p, image, side, keep=False), "changed the image"),
        (lambda p, image, side: occlusion(p, image, side).T, "exchanged"),
        (lambda p, image, side: occlusion(p, image, 2), "not a map of (3, 2)"),
        (lambda p, image, side: occlusion(p, image, 4), "not a map of (6, 4)"),
        (lambda p, image, side: p(image[None]) - occlusion(p, image, side), "probabilities of the covered"),
        (lambda p, image, side: 2 * occlusion(p, image, side), "are not the probability"),
        (lambda p, image, side: p(image), "takes a batch"),
    ],
)
def test_map_by_occlusion(answer, reason):
    assert verdict("09.3", occlusion)[0] is True
    assert reason in refused("09.3", answer)
