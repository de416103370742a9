"""The checkers of lesson 04 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from keras import layers
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (222_208, "leaves out the projection"),
        (230_400, "a normalisation too"),
        (230_144, "running mean"),
        (229_376, "store numbers as well"),
        (231_296, "no bias"),
        (1, "not the sum"),
    ],
)
def test_weights_of_a_block(answer, reason):
    assert verdict("04.1", 230_912)[0] is True
    assert reason in refused("04.1", answer)


def bottleneck(
    *,
    divisor=4,
    bias=False,
    norms=3,
    relus=2,
    relu_first=False,
    shortcut=True,
    last_relu=True,
    use_branch=True,
    tail=None,
):
    def block(x):
        channels = x.shape[-1]
        branch = x
        for k, (width, size) in enumerate(((channels // divisor, 1), (channels // divisor, 3), (channels, 1))):
            branch = layers.Conv2D(width, size, padding="same", use_bias=bias)(branch)
            if relu_first and k < relus:
                branch = layers.ReLU()(branch)
            if k < norms:
                branch = layers.BatchNormalization()(branch)
            if not relu_first and k < relus:
                branch = layers.ReLU()(branch)
        branch = branch if use_branch else layers.Rescaling(0.0)(branch)
        x = layers.Add()([x, branch]) if shortcut else branch
        x = layers.ReLU()(x) if last_relu else x
        return tail(x) if tail else x

    return block


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"divisor": 2}, "kernels should have the shapes"),
        ({"bias": True}, "needs no bias"),
        ({"norms": 2}, "Each of the three"),
        ({"shortcut": False}, "only the shortcut is left"),
        ({"relus": 0}, "The order inside"),
        ({"relus": 1}, "The order inside"),
        ({"relus": 3}, "The order inside"),
        ({"relu_first": True}, "The order inside"),
        ({"last_relu": False}, "negative values"),
        ({"use_branch": False}, "no influence"),
        ({"tail": layers.MaxPooling2D()}, "should be the same"),
        ({"tail": lambda x: 3}, "returned int"),
    ],
)
def test_bottleneck_block(changes, reason):
    assert verdict("04.2", bottleneck())[0] is True
    assert reason in refused("04.2", bottleneck(**changes))


def drop_branch(branch, rate, rng, training, *, always=False, per="image", share=None, scale=True, inplace=False):
    if not training and not always:
        return branch
    shape = {"image": (len(branch), 1, 1, 1), "value": branch.shape, "batch": (1, 1, 1, 1)}[per]
    keep = rng.random(shape) >= (rate if share is None else share)
    factor = keep / (1 - rate) if scale else keep
    if inplace:
        branch *= factor
        return branch
    return branch * factor


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"always": True}, "In inference"),
        ({"per": "value"}, "Single values"),
        ({"per": "batch"}, "treated alike"),
        ({"share": 0.8}, "of the branches were dropped"),
        ({"scale": False}, "divided by 1 - rate"),
        ({"inplace": True}, "changed the array"),
    ],
)
def test_stochastic_depth(changes, reason):
    assert verdict("04.3", drop_branch)[0] is True
    assert reason in refused("04.3", lambda *arguments: drop_branch(*arguments, **changes))


def test_stochastic_depth_must_draw_from_the_generator_and_keep_the_shape():
    own = np.random.default_rng(5)
    answer = lambda branch, rate, rng, training: drop_branch(branch, rate, own, training)  # noqa: E731
    assert "only from rng" in verdict("04.3", answer)[1]
    assert "of shape (1," in verdict("04.3", lambda b, r, g, training: b[:1] if training else b)[1]
