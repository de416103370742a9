"""The exercises of lesson 10."""

from collections.abc import Callable

import numpy as np
from scipy import special

from cnn_course.exercises import Wrong, exercise


@exercise(
    "10.1",
    hint="If all outputs are the same, all cosines are 1. How many views does each one choose among? The logarithm is "
    "the natural one.",
    solution="""
import numpy as np

answer = np.log(2 * 500 - 1)
""",
)
def loss_of_a_collapsed_network(answer: float) -> None:
    """What is the NT-Xent loss for 500 images of a network that gives every view the same output?"""
    answer = float(answer)
    if np.isclose(answer, np.log(1000), atol=2e-4):
        raise Wrong("A view is not asked about itself: there is one view less to choose from.")
    if np.isclose(answer, np.log(500), atol=2e-4) or np.isclose(answer, np.log(499), atol=2e-4):
        raise Wrong("Each of the 500 images has two views, and all of them but the view itself are choices.")
    if np.isclose(answer, np.log10(999), atol=2e-3):
        raise Wrong("That is the logarithm to base 10; the loss uses the natural one.")
    if np.isclose(answer, 0, atol=1e-3):
        raise Wrong("The two views agree, but so do all others, and the loss asks to tell them apart.")
    if not np.isclose(answer, np.log(999), atol=2e-4):
        raise Wrong(f"{answer:.4g} is not the loss of a choice among views of equal similarity.")


@exercise(
    "10.2",
    hint="Divide each row by its length. The logits are first @ second.T / temperature; the right answers stand on the "
    "diagonal. Subtract the largest logit of each row before you take the powers of e.",
    solution="""
import numpy as np


def one_sided(first, second, temperature):
    first = first / np.linalg.norm(first, axis=1, keepdims=True)
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    logits = first @ second.T / temperature
    largest = logits.max(axis=1)
    sums = np.exp(logits - largest[:, None]).sum(axis=1)
    return largest + np.log(sums) - np.diag(logits)


answer = one_sided
""",
)
def loss_across_views(answer: Callable) -> None:
    """Write one_sided(first, second, temperature): each first view chooses its partner among the second views alone."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 6, 4)) * rng.uniform(0.5, 3, (2, 6, 1))
    given = first.copy(), second.copy()
    result = np.asarray(answer(first, second, 0.3))
    if not (np.array_equal(first, given[0]) and np.array_equal(second, given[1])):
        raise Wrong("It changed the outputs that it was given.")
    if result.shape != (6,):
        raise Wrong(f"For six images it returned the shape {result.shape}; there should be one value for each.")
    if np.allclose(result, _across(first, second, 0.3)):
        raise Wrong("The rows must have length 1 before they are multiplied: the similarity is the cosine.")
    first, second = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in given)
    if np.allclose(result, _across(second, first, 0.3)):
        raise Wrong("That is what the second views choose among the first: the logits are transposed.")
    if np.allclose(result, _across(first, second, 1 / 0.3)):
        raise Wrong("The cosines are divided by the temperature, not multiplied.")
    if np.allclose(result, _across(first, second, 1.0)):
        raise Wrong("It does not use the temperature.")
    logits = first @ second.T / 0.3
    if np.allclose(result, _without_partner(logits)):
        raise Wrong("The partner belongs into the sum, too: it is the right one of the choices.")
    if not np.allclose(result, _across(first, second, 0.3)):
        raise Wrong("The values are not the logarithm of the sum over the row less the diagonal's logit.")
    with np.errstate(all="ignore"):
        if not np.isfinite(answer(*given, 1e-4)).all():
            raise Wrong("Small temperatures overflow: subtract the largest logit of a row before you take powers of e.")


@exercise(
    "10.3",
    hint="The gradient of the loss by the logits is the softmax less 1 at the partner; the share of a negative is "
    "its softmax probability divided by that of all negatives together.",
    solution="""
import numpy as np


def push_shares(cosines, partner, temperature):
    negatives = np.delete(cosines, partner) / temperature
    powers = np.exp(negatives - negatives.max())
    return powers / powers.sum()


answer = push_shares
""",
)
def pushes_of_the_negatives(answer: Callable) -> None:
    """Write push_shares(cosines, partner, temperature): the share of each negative in the push away from them all."""
    rng = np.random.default_rng(0)
    for temperature in (0.05, 0.5):
        cosines, partner = rng.uniform(-1, 1, 7), int(rng.integers(7))
        result = np.asarray(answer(cosines.copy(), partner, temperature))
        if result.shape == (7,):
            raise Wrong("The partner is no negative: for seven cosines there are six shares.")
        if result.shape != (6,):
            raise Wrong(f"For seven cosines, one of them the partner's, it returned the shape {result.shape}.")
        wrong = np.delete(cosines, partner)
        expected = special.softmax(wrong / temperature)
        if np.allclose(result, expected):  # first: where the partner is far away, its own share hardly matters
            continue
        if np.allclose(result, np.delete(special.softmax(cosines / temperature), partner)):
            raise Wrong("Those are the probabilities; divide them by their sum without the partner.")
        if np.allclose(result, special.softmax(wrong * temperature)):
            raise Wrong("The cosines are divided by the temperature, not multiplied.")
        if np.allclose(result, special.softmax(wrong)):
            raise Wrong("It does not use the temperature.")
        raise Wrong(f"At temperature {temperature} the first share is {expected[0]:.3g}, not {result[0]:.3g}.")


def _across(first: np.ndarray, second: np.ndarray, temperature: float) -> np.ndarray:
    logits = first @ second.T / temperature
    return special.logsumexp(logits, axis=1) - np.diag(logits)


def _without_partner(logits: np.ndarray) -> np.ndarray:
    others = np.where(np.eye(len(logits), dtype=bool), -np.inf, logits)
    return special.logsumexp(others, axis=1) - np.diag(logits)
