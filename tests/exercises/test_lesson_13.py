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


def comparing_the_ends(inputs):
    columns = list(inputs.values())
    if len(columns[0]) != len(columns[-1]):
        raise ValueError("uneven")
    return cut_off(inputs)


def comparing_the_first_two(inputs):
    columns = list(inputs.values())
    if len(columns) > 1 and len(columns[0]) != len(columns[1]):
        raise ValueError("uneven")
    return cut_off(inputs)


def last_row_wrong(inputs):
    found = rows(inputs)
    return [*found[:-1], found[0]]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (cut_off, "should raise a ValueError"),
        (comparing_the_ends, "should raise a ValueError"),
        (comparing_the_first_two, "should raise a ValueError"),
        (last_row_wrong, "Row 2 is"),
        (emptying, "changed the inputs"),
        (lambda inputs: list(zip(*inputs.values(), strict=True)), "a list of objects"),
        (lambda inputs: rows(inputs)[:1], "gave 1 rows"),
        (lambda inputs: rows(inputs)[::-1], "Row 0 is"),
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


def strictly_before(arrivals, fixed, each, largest):
    free, first, waited = 0.0, 0, np.zeros(len(arrivals))
    while first < len(arrivals):
        begin = max(free, arrivals[first])
        count = min(max(int((arrivals < begin).sum()) - first, 1), largest)
        free = begin + fixed + each * count
        waited[first : first + count] = free - arrivals[first : first + count]
        first += count
    return waited


def last_one_late(arrivals, fixed, each, largest):
    return latencies(arrivals, fixed, each, largest) + 0.1 * (np.arange(len(arrivals)) == len(arrivals) - 1)


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
        (lambda a, f, e, n: latencies(a, 2 * f, e, n), "request 0 "),
        (lambda a, f, e, n: latencies(a, 0.004, 0.0005, n), "With fixed=0.003"),
        (lambda a, f, e, n: latencies(a, f, 0.0005, n), "each=0.001"),
        (strictly_before, "request 0 (arrived at 0.01000)"),
        (last_one_late, "request 39 "),
    ],
)
def test_waiting_for_an_answer(answer, reason):
    assert verdict("13.3", latencies)[0] is True
    assert reason in refused("13.3", answer)
