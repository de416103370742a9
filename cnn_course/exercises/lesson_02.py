"""The exercises of lesson 02."""

import math
from collections.abc import Callable

import numpy as np

from cnn_course import datasets
from cnn_course.exercises import Wrong, exercise

LARGEST_NETWORK = 3_000
SMALL_NETWORK_ACCURACY = 0.93


@exercise(
    "02.1",
    hint="Each of the ten probabilities is then 1/10, and the loss is minus the natural logarithm of one of them.",
    solution="""
import math

answer = math.log(10)
""",
)
def loss_of_a_guess(answer: float) -> None:
    """What is the cross-entropy of a network that gives each of the ten digits the same probability?"""
    value = float(answer)
    if math.isclose(value, 0.1, abs_tol=1e-3) or math.isclose(value, 0.9, abs_tol=1e-3):
        raise Wrong("That is a probability. The loss is a logarithm of one.")
    if math.isclose(value, -math.log(10), abs_tol=1e-2):
        raise Wrong("The sign is wrong: a loss of zero is a perfect network, and any other is worse, so larger.")
    if math.isclose(value, 1.0, abs_tol=1e-3) or math.isclose(value, math.log2(10), abs_tol=1e-2):
        raise Wrong("The base of the logarithm is not that of Keras, which is e.")
    if not math.isclose(value, math.log(10), abs_tol=5e-3):
        raise Wrong(f"{value:g} is not it.")


@exercise(
    "02.2",
    hint="log softmax(z)_k = z_k - log(sum of exp(z_j)). Subtracting the row's largest logit from all of them changes "
    "nothing in this, and then no exponential can overflow.",
    solution="""
import numpy as np


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


answer = log_softmax
""",
)
def stable_log_softmax(answer: Callable) -> None:
    """Write log_softmax(logits): the logarithm of the softmax over the last axis, right for logits of any size."""
    from scipy.special import log_softmax

    draw = np.random.default_rng(0).normal
    with np.errstate(all="ignore"):
        for shape, scale, words in (
            ((5, 10), 1.0, "of ordinary size"),
            ((5, 10), 1000.0, "in the thousands"),
            ((2, 3, 4), 1.0, "of three axes"),
        ):
            logits = draw(size=shape)
            values = np.asarray(answer(logits * scale))
            if values.shape != logits.shape:
                raise Wrong(f"For logits of shape {logits.shape} it returned an array of shape {values.shape}.")
            if not np.isfinite(values).all():
                raise Wrong(f"For logits {words} it returned infinities or NaN.")
            expected = log_softmax(logits * scale, axis=-1)
            if np.allclose(np.exp(expected), values, atol=1e-4):
                raise Wrong("That is the softmax itself; its logarithm is asked for.")
            if not np.allclose(values, expected, rtol=1e-5, atol=1e-5):
                worst = np.abs(values - expected).max()
                raise Wrong(f"For logits {words} it is off by up to {worst:.3g}. Does each row stand for itself?")


@exercise(
    "02.3",
    hint="Convolutions cost few weights, hidden dense layers many. Pool early, average at the end, and put batch "
    "normalisation behind each convolution, with momentum=0.9, since the training is short.",
    solution="""
# How few? Of the 2,490 parameters here 2,160 are in the last two convolutions (9 * channels in * channels out), so
# that fewer channels there save most: stages ((4,), (8,), (12,)) have 1,414 and come close to 93 %. What pays best is
# the average over each map: it costs nothing, and leaves the dense layer 130 parameters where flat maps need 5,890.
from cnn_course import models


def build():
    return models.averaging_cnn(stages=((8,), (12,), (12,)))


answer = build
""",
)
def small_network(answer: Callable) -> None:
    """Write build(): a network of at most 3,000 parameters that learns 3,500 digits and reads 93 % of 500 others."""
    import keras

    from cnn_course import training

    if isinstance(answer, keras.Model):
        raise Wrong("That is a model. Give the function build itself, not build().")
    splits = datasets.load("mnist5k").split(train_size=3500, validation_size=500, test_size=1000, seed=0)
    keras.utils.set_random_seed(0)
    network = answer()
    if not isinstance(network, keras.Model):
        raise Wrong(f"build() should return a Keras model; it returned {type(network).__name__}.")
    if network.count_params() > LARGEST_NETWORK:
        raise Wrong(f"It has {network.count_params():,} parameters; at most {LARGEST_NETWORK:,} are allowed.")
    outputs = keras.ops.convert_to_numpy(network(splits.train.images[:4].astype("float32"), training=False))
    if outputs.shape != (4, 10):
        raise Wrong(f"For four images (4, 28, 28, 1) it returns {outputs.shape}; ten logits for each are needed.")
    if np.allclose(outputs.sum(axis=1), 1, atol=1e-4) and (outputs >= 0).all():
        raise Wrong("It returns probabilities. Leave out the softmax: the loss takes logits.")
    training.train_one_cycle(network, splits.train, epochs=6, batch_size=50, peak_rate=1e-2)
    _, accuracy = network.evaluate(datasets.batches(splits.validation, 500), verbose=0)
    if accuracy < SMALL_NETWORK_ACCURACY:
        raise Wrong(f"It reads {accuracy:.1%} of the digits it has not learned; {SMALL_NETWORK_ACCURACY:.0%} is asked.")
    print(f"{network.count_params():,} parameters, right on {accuracy:.1%}. How small can it get?")
