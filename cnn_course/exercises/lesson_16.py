"""The exercises of lesson 16."""

from collections.abc import Callable

import numpy as np

from cnn_course.exercises import Wrong, exercise


@exercise(
    "16.1",
    hint='With padding "same" the output has 16x16 places. At each, every number of the kernel, 3x3x64x128 of them, is '
    "used for a multiplication and an addition.",
    solution="""
answer = 2 * 16 * 16 * (3 * 3 * 64 * 128)
""",
)
def operations_of_a_convolution(answer: int) -> None:
    """How many operations has a 3x3 convolution from 64 to 128 channels on 16x16 maps?"""
    weights, places = 3 * 3 * 64 * 128, 16 * 16
    if answer == weights:
        raise Wrong("That is the number of its parameters. Each is used at every place of the output.")
    if answer == weights * places:
        raise Wrong("Those are multiply-adds; each of them is two operations.")
    if answer == 2 * weights * 14 * 14:
        raise Wrong('That is for padding "valid", which leaves 14x14 places.')
    if answer != 2 * weights * places:
        raise Wrong(f"{answer} is not 2 · h · w · (k · k · channels in · channels out).")


@exercise(
    "16.2",
    hint="Compare all pairs by broadcasting: size[:, None] <= size is true where the first is no larger. One network "
    "dominates another where three such tables are all true, and one of the strict ones is.",
    solution="""
import numpy as np


def front(size, milliseconds, accuracy):
    columns = [np.asarray(size), np.asarray(milliseconds), -np.asarray(accuracy)]
    no_worse = np.all([each[:, None] <= each for each in columns], axis=0)
    better = np.any([each[:, None] < each for each in columns], axis=0)
    return ~(no_worse & better).any(axis=0)


answer = front
""",
)
def front_of_two_costs(answer: Callable) -> None:
    """Write front(size, milliseconds, accuracy): which networks no other one dominates."""
    tables = np.random.default_rng(0).integers(0, 4, (20, 3, 8)).astype(float)
    found = [np.asarray(answer(*columns.copy())) for columns in tables]
    if any(each.shape != (8,) for each in found):
        raise Wrong(f"For 8 networks it returned the shape {next(e.shape for e in found if e.shape != (8,))}.")

    def is_that_of(front: Callable) -> bool:
        return all(np.array_equal(each, front(*columns)) for each, columns in zip(found, tables, strict=True))

    if is_that_of(_unbeaten):
        return
    if is_that_of(lambda *columns: ~_unbeaten(*columns)):
        raise Wrong("Those are the networks that are dominated.")
    if is_that_of(lambda size, _, accuracy: _unbeaten(size, size, accuracy)):
        raise Wrong("The milliseconds do not count in it.")
    if is_that_of(lambda _, milliseconds, accuracy: _unbeaten(milliseconds, milliseconds, accuracy)):
        raise Wrong("The size does not count in it.")
    twins = np.array([1.0, 1.0])
    if not np.all(answer(twins, twins, twins)):
        raise Wrong("Two equal networks dominate each other in yours: one of the three must be better.")
    size, milliseconds, accuracy = tables[0]
    raise Wrong(
        f"For size {size}, milliseconds {milliseconds} and accuracy {accuracy} the front is {_unbeaten(*tables[0])}."
    )


def _unbeaten(*columns: np.ndarray) -> np.ndarray:
    """Return which networks no other one dominates; the last column is good where it is large, the others small."""
    *costs, value = columns
    rows = list(zip(*costs, -value, strict=True))

    def dominates(one: tuple, other: tuple) -> bool:
        return all(a <= b for a, b in zip(one, other, strict=True)) and one != other

    return np.array([not any(dominates(one, other) for one in rows) for other in rows])


@exercise(
    "16.3",
    hint="An answer is wrong with the probability 1 - accuracy / 100. Its mean cost is that times the price of an "
    "error, and the milliseconds times theirs. np.argmin gives the number of the smallest.",
    solution="""
import numpy as np


def cheapest(accuracy, milliseconds, error_price, millisecond_price):
    errors = 1 - np.asarray(accuracy) / 100
    return int(np.argmin(errors * error_price + np.asarray(milliseconds) * millisecond_price))


answer = cheapest
""",
)
def cheapest_answer(answer: Callable) -> None:
    """Write cheapest(accuracy, milliseconds, error_price, millisecond_price): the network whose answer costs least."""
    rng = np.random.default_rng(0)
    cases = [
        (rng.uniform(60, 99, 6), rng.uniform(0.1, 20, 6), 10 ** rng.uniform(-2, 2), 10 ** rng.uniform(-3, 2))
        for _ in range(40)
    ]
    found = [answer(*case) for case in cases]

    def is_that_of(choice: Callable) -> bool:
        return all(each == choice(*case) for each, case in zip(found, cases, strict=True))

    if is_that_of(lambda a, m, error, each: ((1 - a / 100) * error + m * each).argmin()):
        return
    if is_that_of(lambda a, m, error, each: ((1 - a / 100) * error + m * each).argmax()):
        raise Wrong("That is the dearest.")
    if is_that_of(lambda a, m, error, each: ((100 - a) * error + m * each).argmin()):
        raise Wrong("The accuracy is in per cent: of a hundred answers 100 - accuracy are wrong, of one a hundredth.")
    if is_that_of(lambda a, m, error, each: ((1 - a / 100) * each + m * error).argmin()):
        raise Wrong("The two prices are exchanged.")
    if is_that_of(lambda a, *_: a.argmax()) or is_that_of(lambda a, m, *_: m.argmin()):
        raise Wrong("It looks at one of the two only; their prices say how much each counts.")
    raise Wrong("For some prices another network is cheaper than the one that it returns.")
