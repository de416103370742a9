"""The exercises of lesson 07."""

from collections.abc import Callable

import numpy as np
from scipy import special

from cnn_course.exercises import Wrong, exercise


@exercise(
    "07.1",
    hint="Divide the logits by 2, take the powers of e, and divide the first by the sum of all three.",
    solution="""
import numpy as np

powers = np.exp(np.array([2, 1, 0]) / 2)
answer = powers[0] / powers.sum()
""",
)
def probability_at_a_temperature(answer: float) -> None:
    """What is the probability of the first class for the logits 2, 1 and 0 at temperature 2?"""
    answer = float(answer)
    if np.isclose(answer, special.softmax([2, 1, 0])[0], atol=2e-3):
        raise Wrong("That is the probability at temperature 1.")
    if np.isclose(answer, special.softmax([4, 2, 0])[0], atol=2e-3):
        raise Wrong("The logits are divided by the temperature, not multiplied.")
    if np.isclose(answer, special.softmax([2, 1, 0])[0] / 2, atol=2e-3):
        raise Wrong("The logits are divided by the temperature before the softmax, not the probability after it.")
    right = special.softmax([1, 0.5, 0])[0]
    if np.isclose(answer, 100 * right, atol=0.5):
        raise Wrong("That is the probability in percent; give it as a number from 0 to 1.")
    if not np.isclose(answer, right, atol=5e-3):
        raise Wrong(f"{answer:.4g} is not e^1 / (e^1 + e^0.5 + e^0).")


@exercise(
    "07.2",
    hint="Divide by the temperature, take the softmax along the last axis (subtract the largest logit first), and then "
    "the mean along the first.",
    solution="""
import numpy as np


def soft_targets(logits, temperature):
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).mean(axis=0)


answer = soft_targets
""",
)
def targets_of_several_teachers(answer: Callable) -> None:
    """Write soft_targets(logits, temperature): the mean of several teachers' probabilities at a temperature."""
    logits = np.random.default_rng(0).normal(0, 4, (3, 5, 4))
    given = logits.copy()
    result = np.asarray(answer(logits, 3.0))
    if not np.array_equal(logits, given):
        raise Wrong("It changed the logits that it was given.")
    if result.shape != (5, 4):
        raise Wrong(f"For logits of shape (3, 5, 4) it returned {result.shape}; the teachers' axis should be gone.")

    def is_(other: np.ndarray) -> bool:
        return np.allclose(result, other, atol=1e-5)

    if is_(special.softmax(logits.mean(axis=0) / 3, axis=-1)):
        raise Wrong("That is the softmax of the mean logits: take each teacher's probabilities first, then the mean.")
    if is_(special.softmax(logits, axis=-1).mean(axis=0)):
        raise Wrong("It does not use the temperature.")
    if is_(special.softmax(logits * 3, axis=-1).mean(axis=0)):
        raise Wrong("The logits are divided by the temperature, not multiplied.")
    if is_(special.softmax(logits / 3, axis=-1).sum(axis=0)):
        raise Wrong("The probabilities of an image add up to 3: it is the sum over the teachers, not the mean.")
    if not is_(special.softmax(logits / 3, axis=-1).mean(axis=0)):
        raise Wrong("The values are not the mean of the teachers' probabilities at the temperature.")
    with np.errstate(all="ignore"):
        large = np.asarray(answer(logits * 1e4, 3.0))
    if not np.allclose(large, special.softmax(logits * 1e4 / 3, axis=-1).mean(axis=0), atol=1e-5):
        raise Wrong(
            "Large logits overflow, vanish or are cut off: subtract the largest of each row before you take the powers "
            "of e."
        )


@exercise(
    "07.3",
    hint="b of p is np.array([p[label], 1 - p[label]]). np.delete(p, label) gives the other classes; divide it by its "
    "sum. The divergence of a from b is np.sum(a * np.log(a / b)).",
    solution="""
import numpy as np


def divergence(a, b):
    return np.sum(a * np.log(a / b))


def parts(p, q, label):
    sure = [np.array([x[label], 1 - x[label]]) for x in (p, q)]
    others = [np.delete(x, label) / (1 - x[label]) for x in (p, q)]
    return divergence(*sure), divergence(*others)


answer = parts
""",
)
def two_parts_of_the_divergence(answer: Callable) -> None:
    """Write parts(p, q, label): the divergence of how sure the answers are, and that of the other classes."""
    rng = np.random.default_rng(0)
    for _ in range(3):
        p, q = rng.dirichlet(np.ones(6), 2)
        label = int(rng.integers(6))
        try:
            first, second = (float(part) for part in answer(p.copy(), q.copy(), label))
        except TypeError as error:
            raise Wrong("It should return two numbers, the two divergences.") from error
        sure = [np.array([x[label], 1 - x[label]]) for x in (p, q)]
        others = [np.delete(x, label) for x in (p, q)]
        expected = _divergence(*sure), _divergence(*(x / x.sum() for x in others))
        if np.allclose((first, second), expected):
            continue
        if np.allclose((first, second), expected[::-1]):
            raise Wrong("The two parts are the other way round: first how sure the answers are, then the others.")
        if np.allclose((first, second), (_divergence(*sure[::-1]), _divergence(*(x / x.sum() for x in others[::-1])))):
            raise Wrong("Those are the divergences of q from p; p, the teacher's, comes first.")
        if np.isclose(first, expected[0]) and np.isclose(second, _divergence(*others)):
            raise Wrong(
                "The probabilities of the other classes must be divided by their sum, so that they add up to 1."
            )
        if np.isclose(first, expected[0]) and np.isclose(second, (1 - p[label]) * expected[1]):
            raise Wrong("The second part still has its factor 1 - p of the label; return the divergence alone.")
        whole = first + (1 - p[label]) * second
        if np.isclose(whole, _divergence(p, q)):
            raise Wrong("Put together they give the whole divergence, but these are not the two parts of the formula.")
        raise Wrong(f"Put together they give {whole:.4g}, and the whole divergence is {_divergence(p, q):.4g}.")


def _divergence(a: np.ndarray, b: np.ndarray) -> float:
    return float(special.rel_entr(a, b).sum())
