"""The checkers of lesson 13 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (222.2, "one image at a time"),
        (2000, "without the fixed"),
        (83.33, "number of batches"),
        (1.333, "in a millisecond"),
        (1000, "is not 16 images"),
    ],
)
def test_images_in_a_second(answer, reason):
    assert verdict("13.1", 1333.3)[0] is True
    assert reason in refused("13.1", answer)


def rows(inputs):
    return [dict(zip(inputs, values, strict=True)) for values in zip(*inputs.values(), strict=True)]


def cut_off(inputs):
    return [dict(zip(inputs, values, strict=True)) for values in zip(*inputs.values(), strict=False)]


def emptying(inputs):
    found = rows(inputs)
    inputs.clear()
    return found


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (cut_off, "should raise a ValueError"),
        (emptying, "changed the inputs"),
        (lambda inputs: list(zip(*inputs.values(), strict=True)), "a list of objects"),
        (lambda inputs: rows(inputs)[:1], "gave 1 rows"),
        (lambda inputs: rows(inputs)[::-1], "should be"),
    ],
)
def test_from_columns_to_rows(answer, reason):
    assert verdict("13.2", rows)[0] is True
    assert reason in refused("13.2", answer)


def latencies(arrivals, fixed, each, largest):
    free, first, waited = 0.0, 0, np.zeros(len(arrivals))
    while first < len(arrivals):
        begin = max(free, arrivals[first])
        count = min(int((arrivals <= begin).sum()) - first, largest)
        free = begin + fixed + each * count
        waited[first : first + count] = free - arrivals[first : first + count]
        first += count
    return waited


def patient(arrivals, fixed, each, largest):
    free, waited = 0.0, np.zeros(len(arrivals))
    for first in range(0, len(arrivals), largest):
        batch = arrivals[first : first + largest]
        free = max(free, batch[-1]) + fixed + each * len(batch)
        waited[first : first + largest] = free - batch
    return waited


def from_the_begin(arrivals, fixed, each, largest):
    free, first, waited = 0.0, 0, np.zeros(len(arrivals))
    while first < len(arrivals):
        begin = max(free, arrivals[first])
        count = min(int((arrivals <= begin).sum()) - first, largest)
        free = begin + fixed + each * count
        waited[first : first + count] = free - begin
        first += count
    return waited


def moving(arrivals, fixed, each, largest):
    found = latencies(arrivals, fixed, each, largest)
    arrivals += 1
    return found


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda a, f, e, n: latencies(a, f, e, len(a)), "at most `largest`"),
        (lambda a, f, e, n: latencies(a, f, e, 1), "by itself"),
        (patient, "waits for full batches"),
        (from_the_begin, "from its arrival on"),
        (moving, "changed the arrivals"),
        (lambda a, f, e, n: latencies(a, f, e, n)[:1], "of the shape"),
        (lambda a, f, e, n: latencies(a, 2 * f, e, n), "The first latencies"),
    ],
)
def test_waiting_for_an_answer(answer, reason):
    assert verdict("13.3", latencies)[0] is True
    assert reason in refused("13.3", answer)
