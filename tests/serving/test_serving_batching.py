"""Requests that wait are computed together, and each gets its own answer."""

import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_course.serving import Batcher, RequestError, joined, split


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_cutting_undoes_joining(rows):
    rng = np.random.default_rng(0)
    parts = [{"x": rng.random((n, 2)), "y": rng.integers(0, 9, n)} for n in rows]
    for part, found in zip(parts, split(joined(parts), rows), strict=True):
        assert part.keys() == found.keys()
        assert all(np.array_equal(part[name], found[name]) for name in part)


def test_an_output_without_its_rows_is_not_cut():
    with pytest.raises(ValueError, match="has 2 rows for 3"):
        split({"y": np.zeros(2)}, [1, 2])


class Gated:
    """Doubles x; its first call waits until the gate is opened."""

    def __init__(self):
        self.gate, self.sizes = threading.Event(), []

    def __call__(self, tensors):
        assert self.gate.wait(30)
        self.sizes.append(len(tensors["x"]))
        if (tensors["x"] < 0).any():
            raise RequestError(400, "negative")
        return {"y": 2 * tensors["x"]}


def answers(values, *, key="k", **arguments):
    """Send the arrays, the first one some time before the others; return outputs (or errors) and sizes of batches."""
    execute, observed = Gated(), []

    async def all_of_them():
        batcher = Batcher(observe=lambda rows, seconds: observed.append(rows), **arguments)
        keys = key if isinstance(key, list) else [key] * len(values)
        first = asyncio.create_task(batcher.run(execute, {"x": np.array(values[0])}, key=keys[0]))
        await asyncio.sleep(0.05)
        rest = [
            asyncio.create_task(batcher.run(execute, {"x": np.array(value)}, key=own))
            for value, own in zip(values[1:], keys[1:], strict=True)
        ]
        await asyncio.sleep(0.05)
        execute.gate.set()
        found = await asyncio.gather(first, *rest, return_exceptions=True)
        assert batcher.waiting == 0
        batcher.close()
        return found

    return asyncio.run(all_of_them()), execute.sizes, observed


def test_what_arrives_while_a_batch_is_computed_is_the_next_batch():
    values = [[1.0], [2.0], [3.0, 4.0], [5.0]]
    found, sizes, observed = answers(values)
    assert sizes == observed == [1, 4]
    assert [each["y"].tolist() for each in found] == [[2.0], [4.0], [6.0, 8.0], [10.0]]


def test_a_batch_is_not_larger_than_allowed_and_a_larger_request_is_computed_alone():
    found, sizes, _ = answers([[1.0], [2.0, 3.0], [4.0], [5.0], [6.0] * 7], largest=3)
    assert sizes == [1, 3, 1, 7]
    assert len(found[-1]["y"]) == 7


def test_without_batching_each_request_is_computed_by_itself():
    assert answers([[1.0], [2.0], [3.0]], largest=1)[1] == [1, 1, 1]


def test_requests_that_cannot_be_joined_are_not():
    assert answers([[1.0], [2.0], [3.0]], key=None)[1] == [1, 1, 1]
    assert sorted(answers([[1.0], [2.0], [3.0], [4.0]], key=["a", "a", "b", "a"])[1]) == [1, 1, 2]


def test_one_bad_request_spoils_no_other():
    found, _, _ = answers([[1.0], [2.0], [-1.0], [3.0]])
    assert [each["y"].tolist() for each in (found[0], found[1], found[3])] == [[2.0], [4.0], [6.0]]
    assert isinstance(found[2], RequestError)
