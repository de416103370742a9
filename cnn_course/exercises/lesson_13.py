"""The exercises of lesson 13."""

import copy
from collections.abc import Callable

import numpy as np

from cnn_course.exercises import Wrong, exercise


@exercise(
    "13.1",
    hint="How long does one batch of 16 take? A second holds so many of them, with 16 images each.",
    solution="""
answer = 16 / ((4 + 0.5 * 16) / 1000)
""",
)
def images_in_a_second(answer: float) -> None:
    """A batch of n images takes 4 + 0.5 n milliseconds. How many images are answered in a second, 16 in a batch?"""
    answer = float(answer)
    if np.isclose(answer, 1000 / 4.5, rtol=1e-2):
        raise Wrong("That is one image at a time; 16 share the fixed 4 milliseconds.")
    if np.isclose(answer, 1000 / 0.5):
        raise Wrong("That is without the fixed 4 milliseconds, which each batch costs.")
    if np.isclose(answer, 1000 / 12, rtol=1e-2):
        raise Wrong("That is the number of batches; each has 16 images.")
    if np.isclose(answer, 16 / 12, rtol=1e-2):
        raise Wrong("That is in a millisecond.")
    if not np.isclose(answer, 16000 / 12, rtol=1e-3):
        raise Wrong(f"{answer:.6g} is not 16 images divided by the seconds that their batch takes.")


@exercise(
    "13.2",
    hint="zip(*inputs.values(), strict=True) gives the values of one row after another, and raises a ValueError where "
    "the columns differ in length. dict(zip(inputs, values)) gives them their names back.",
    solution="""
def rows(inputs):
    return [dict(zip(inputs, values)) for values in zip(*inputs.values(), strict=True)]


answer = rows
""",
)
def from_columns_to_rows(answer: Callable) -> None:
    """Write rows(inputs): the list of instances, an object for each row, from the inputs of a request by column."""
    cases = (
        {"images": [[1, 2], [3, 4], [5, 6]], "masks": [[0], [1], [1]]},
        {"images": [[[1], [2]], [[3], [4]]]},
        {"tag": ["foo", "bar"], "signal": [[1, 2], [3, 4]], "sensor": [[[1]], [[2]]]},
    )
    for inputs in cases:
        given = copy.deepcopy(inputs)
        found = answer(inputs)
        if inputs != given:
            raise Wrong("It changed the inputs that it was given.")
        wanted = [{name: inputs[name][k] for name in inputs} for k in range(len(next(iter(inputs.values()))))]
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise Wrong("The answer should be a list of objects (dictionaries), one for each row.")
        if len(found) != len(wanted):
            raise Wrong(f"Columns of {len(wanted)} values gave {len(found)} rows.")
        for k, (row, due) in enumerate(zip(found, wanted, strict=True)):
            if row != due:
                raise Wrong(f"Row {k} is {row}, and should be {due}.")
    for uneven in (
        {"a": [1, 2], "b": [3]},
        {"a": [1], "b": [2, 3]},
        {"a": [1, 2], "b": [1], "c": [3, 4]},  # the first and the last are equally long
        {"a": [1, 2], "b": [3, 4], "c": [5]},  # the first two are
    ):
        try:
            found = answer(uneven)
        except ValueError:
            continue
        raise Wrong(f"Columns of different lengths, {uneven}, gave {found}; they should raise a ValueError.")


def _served(
    arrivals: np.ndarray, fixed: float, each: float, largest: int, *, patient: bool = False, from_start: bool = False
) -> np.ndarray:
    """Return the latencies; ``patient`` waits for full batches, ``from_start`` counts from the batch's begin."""
    free, at, waited = 0.0, 0, np.zeros(len(arrivals))
    while at < len(arrivals):
        first = min(at + largest, len(arrivals)) - 1 if patient else at
        begin = max(free, arrivals[first])
        count = min(int(np.searchsorted(arrivals, begin, side="right")) - at, largest)
        free = begin + fixed + each * count
        waited[at : at + count] = free - (begin if from_start else arrivals[at : at + count])
        at += count
    return waited


@exercise(
    "13.3",
    hint="Keep the time at which the server is free and the place of the first request without an answer. A batch "
    "begins at the later of the two: when the server is free, and when that request arrives. It holds what has arrived "
    "by then. Its answers come fixed + each * count later.",
    solution="""
import numpy as np


def latencies(arrivals, fixed, each, largest):
    free, first, waited = 0.0, 0, np.zeros(len(arrivals))
    while first < len(arrivals):
        begin = max(free, arrivals[first])
        count = 0
        while count < largest and first + count < len(arrivals) and arrivals[first + count] <= begin:
            count += 1
        free = begin + fixed + each * count
        for k in range(first, first + count):
            waited[k] = free - arrivals[k]
        first += count
    return waited


answer = latencies
""",
)
def waiting_for_an_answer(answer: Callable) -> None:
    """Write latencies(arrivals, fixed, each, largest): how long each request waits when all that came are a batch."""
    rng = np.random.default_rng(0)
    cases = ((40, 300.0, 0.004, 0.0005, 4), (60, 900.0, 0.003, 0.001, 8), (20, 20.0, 0.01, 0.002, 4))
    drawn = [(np.cumsum(rng.exponential(1 / rate, count)), *arguments) for count, rate, *arguments in cases]
    together = np.repeat([0.01, 0.012, 0.05], (3, 2, 4))  # several requests arrive at the same time
    for arrivals, *arguments in (*drawn, (together, 0.004, 0.0005, 2), (together, 0.005, 0.001, 8)):
        count, given = len(arrivals), arrivals.copy()
        fixed, each, _ = arguments
        found = np.asarray(answer(arrivals, *arguments), float)
        if not np.array_equal(arrivals, given):
            raise Wrong("It changed the arrivals that it was given.")
        if found.shape != arrivals.shape:
            raise Wrong(f"For {count} requests it returned an array of the shape {found.shape}.")
        wanted = _served(arrivals, *arguments)
        if np.allclose(found, wanted):
            continue
        if np.allclose(found, _served(arrivals, fixed, each, count)):
            raise Wrong("A batch may hold at most `largest` requests.")
        if np.allclose(found, _served(arrivals, fixed, each, 1)):
            raise Wrong("Each request is computed by itself; what has arrived should be computed together.")
        if np.allclose(found, _served(arrivals, *arguments, patient=True)):
            raise Wrong("The server waits for full batches; it should take what has arrived.")
        if np.allclose(found, _served(arrivals, *arguments, from_start=True)):
            raise Wrong("A request waits from its arrival on, not only from the begin of its batch.")
        k = int(np.argmin(np.isclose(found, wanted)))
        raise Wrong(
            f"With fixed={fixed}, each={each} and largest={arguments[2]}, request {k} (arrived at {arrivals[k]:.5f}) "
            f"waits {found[k]:.5f} seconds, and should wait {wanted[k]:.5f}."
        )
