"""The exercises of lesson 00."""

from collections.abc import Callable

import numpy as np

from cnn_course import datasets
from cnn_course.exercises import Wrong, exercise


@exercise("00.1", hint="Multiply the four entries of the shape.", solution="answer = 64 * 28 * 28 * 1")
def numbers_in_a_batch(answer: int) -> None:
    """How many numbers does an array of shape (64, 28, 28, 1) hold?"""
    if answer == 28 * 28:
        raise Wrong("That is one image; the batch has 64.")
    if answer != 64 * 28 * 28:
        raise Wrong(f"{answer} is not the product of the entries of the shape.")


@exercise(
    "00.2",
    hint="np.argmax(probabilities, axis=1) gives the most probable class of each row; the mean of a comparison with "
    "the labels is the fraction of those that agree.",
    solution="""
import numpy as np


def accuracy(labels, probabilities):
    return float(np.mean(np.argmax(probabilities, axis=1) == labels))


answer = accuracy
""",
)
def accuracy_of_probabilities(answer: Callable) -> None:
    """Write accuracy(labels, probabilities): the fraction of rows whose most probable class is the label."""
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(10), size=40)
    best = probabilities.argmax(axis=1)
    for right in (0, 10, 40):
        labels = best.copy()
        labels[right:] = (best[right:] + 1) % 10
        value = np.asarray(answer(labels, probabilities))
        if value.shape != ():
            raise Wrong(f"It should return one number, and it returned an array of shape {value.shape}.")
        if not np.isclose(value, right / 40):
            raise Wrong(f"With {right} of 40 rows right it should return {right / 40}, and it returned {value}.")


@exercise(
    "00.3",
    hint="A zero has a hole: its middle is black. What is the mean of the 4 by 4 pixels in the middle of a one?",
    solution="""
def classify(images):
    middle = images[:, 12:16, 12:16].mean(axis=(1, 2, 3))
    return (middle > 60).astype(int)


answer = classify
""",
)
def zeros_and_ones_by_rule(answer: Callable) -> None:
    """Write classify(images) that tells zeros from ones in mnist5k by a rule, right on at least 90 % of them."""
    digits = datasets.load("mnist5k")
    pair = digits.take(np.flatnonzero(digits.labels < 2))
    values = np.asarray(answer(pair.images.copy()))
    if values.shape != pair.labels.shape:
        raise Wrong(f"It should return {len(pair)} numbers, one for each image, not an array of shape {values.shape}.")
    right = float(np.mean(values == pair.labels))
    if right < 0.5:
        raise Wrong(f"It is right on {right:.1%}: have you exchanged zeros and ones?")
    if right < 0.9:
        raise Wrong(f"It is right on {right:.1%} of {len(pair)} images; 90 % are asked for.")
