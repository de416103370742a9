"""The checkers of lesson 05 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (47_360, "has a bias"),
        (7 * 7 * 1280 * 37 + 37, "sees their mean"),
        (1_281_000, "ImageNet's own head"),
        (3, "is not the number"),
    ],
)
def test_weights_of_a_head(answer, reason):
    assert verdict("05.1", 47_397)[0] is True
    assert reason in refused("05.1", answer)


MEANS = np.array([103.939, 116.779, 123.68])


def in_place(pixels):
    pixels[:] = pixels[..., ::-1]
    return pixels - MEANS


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda p: p - MEANS, "still red, green, blue"),
        (lambda p: p[..., ::-1] - MEANS[::-1], "in that order"),
        (lambda p: p[..., ::-1] / 255 - MEANS, "not from 0 to 1"),
        (lambda p: (p[..., ::-1] - MEANS).astype(int), "floating point"),
        (lambda p: (p - MEANS)[0], "array of shape"),
        (lambda p: p[..., ::-1] + MEANS, "less the three means"),
        (in_place, "changed the pixels"),
    ],
)
def test_preprocessing_of_vgg(answer, reason):
    assert verdict("05.2", lambda p: p[..., ::-1] - MEANS)[0] is True
    assert reason in refused("05.2", answer)


def neighbours(train, labels, test, k, *, train_length=True, farthest=False, euclidean=False, only_one=False):
    score = test @ train.T / np.linalg.norm(test, axis=1)[:, None]
    if train_length:
        score = score / np.linalg.norm(train, axis=1)
    if euclidean:
        score = -np.linalg.norm(test[:, None] - train, axis=2)
    nearest = np.argsort(score if farthest else -score, axis=1)[:, : 1 if only_one else k]
    return np.array([np.bincount(labels[row]).argmax() for row in nearest])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"train_length": False}, "divide every row"),
        ({"farthest": True}, "furthest away"),
        ({"euclidean": True}, "distance between"),
        ({"only_one": True}, "one neighbour only"),
    ],
)
def test_nearest_neighbours(changes, reason):
    assert verdict("05.3", neighbours)[0] is True
    assert reason in refused("05.3", lambda *arguments: neighbours(*arguments, **changes))


@pytest.mark.parametrize("preferred", ["the largest label", "the nearest"])
def test_of_equally_common_labels_each_is_right(preferred):
    def answer(train, labels, test, k):
        cosines = test @ (train / np.linalg.norm(train, axis=1, keepdims=True)).T
        found = []
        for row in labels[np.argsort(-cosines, axis=1)[:, :k]]:
            votes = np.bincount(row, minlength=3)
            tied = [label for label in row if votes[label] == votes.max()]
            found.append(max(tied) if preferred == "the largest label" else tied[0])
        return np.array(found)

    assert verdict("05.3", answer)[0] is True


@pytest.mark.parametrize("wrong", ["seven at most", "weighted by the cosine"])
def test_votes_are_of_k_neighbours_and_count_alike(wrong):
    def answer(train, labels, test, k):
        cosines = (test / np.linalg.norm(test, axis=1, keepdims=True)) @ (
            train / np.linalg.norm(train, axis=1, keepdims=True)
        ).T
        nearest = np.argsort(-cosines, axis=1)[:, : min(k, 7) if wrong == "seven at most" else k]
        weights = [None if wrong == "seven at most" else row[best] for row, best in zip(cosines, nearest, strict=True)]
        return np.array([np.bincount(labels[b], w).argmax() for b, w in zip(nearest, weights, strict=True)])

    assert "With k=30" in refused("05.3", answer)


def test_one_label_for_all_images_is_wrong_though_some_are_tied():
    def answer(train, labels, test, k):
        return neighbours(train, labels, test, k) if k == 1 else np.zeros(len(test), int)

    assert "are others" in verdict("05.3", answer)[1]


def test_nearest_neighbours_must_return_labels():
    assert "one label for each" in verdict("05.3", lambda train, labels, test, k: train)[1]
    assert "are others" in verdict("05.3", lambda train, labels, test, k: np.full(len(test), 7))[1]
