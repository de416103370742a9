"""Requests that arrive while another one is computed are computed together. Derived in lesson 13.

There is nothing to wait for and nothing to tune: while a batch is computed, requests collect, and all that have
collected make the next batch. A request that comes alone is computed at once.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

Tensors = dict[str, np.ndarray]
Execute = Callable[[Tensors], Tensors]


@dataclass(frozen=True)
class _Waiting:
    """A request in the queue: what computes it, its tensors, and where its outputs are awaited."""

    execute: Execute
    tensors: Tensors
    rows: int
    outputs: asyncio.Future


def joined(parts: Sequence[Tensors]) -> Tensors:
    """Return the tensors of several requests as one: under each name the rows of all, in their order."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def split(outputs: Tensors, rows: Sequence[int]) -> list[Tensors]:
    """Return the outputs of :func:`joined` requests for each of them: ``rows`` are their numbers of rows.

    Raises:
        ValueError: An output does not have a row for each row of the requests.
    """
    for name, values in outputs.items():
        if len(values) != sum(rows):
            raise ValueError(f"The output {name} has {len(values)} rows for {sum(rows)}.")
    ends = np.cumsum(rows)[:-1]
    pieces = {name: np.split(values, ends) for name, values in outputs.items()}
    return [{name: piece[k] for name, piece in pieces.items()} for k in range(len(rows))]


class Batcher:
    """Computes requests in other threads than that of the event loop, which stays free to accept more.

    Args:
        largest: Rows in one batch; 1 leaves every request by itself. A request that is larger is computed alone.
        workers: Batches at the same time. TensorFlow spreads one batch over the processor's cores itself.
        observe: Is told the rows and the seconds of each batch.
    """

    def __init__(
        self,
        *,
        largest: int = 64,
        workers: int = 1,
        observe: Callable[[int, float], None] = lambda rows, seconds: None,
    ) -> None:
        self.largest = largest
        self.waiting = 0  # requests without their answer
        self._observe = observe
        self._idle = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="predict")
        self._queues: dict[Hashable, deque[_Waiting]] = {}
        self._running: set[asyncio.Task] = set()

    async def run(self, execute: Execute, tensors: Tensors, *, key: Hashable = None) -> Tensors:
        """Return ``execute(tensors)``, perhaps computed together with other requests of the same ``key``.

        Requests of one key must have tensors that can be joined along their first side; ``None`` keeps a request
        by itself.

        Raises:
            Exception: Whatever ``execute`` raises for this request.
        """
        rows = max((len(values) for values in tensors.values() if values.ndim), default=1)
        request = _Waiting(execute, tensors, rows, asyncio.get_running_loop().create_future())
        self._queues.setdefault(object() if key is None else key, deque()).append(request)
        self.waiting += 1
        try:
            self._start()
            return await request.outputs
        finally:
            self.waiting -= 1

    def _start(self) -> None:
        """Give every idle worker the requests of the key that has waited longest for its turn."""
        while self._idle and self._queues:
            key, queue = next(iter(self._queues.items()))
            del self._queues[key]
            batch = [queue.popleft()]
            while queue and sum(request.rows for request in (*batch, queue[0])) <= self.largest:
                batch.append(queue.popleft())
            if queue:
                self._queues[key] = queue  # at the end
            self._idle -= 1
            task = asyncio.create_task(self._computed(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _computed(self, batch: list[_Waiting]) -> None:
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._threads, self._together, batch)
        except RuntimeError as error:  # the threads have ended
            results = [error] * len(batch)
        finally:
            self._idle += 1
            self._start()
        for request, result in zip(batch, results, strict=True):
            if request.outputs.done():  # nobody awaits it any more
                continue
            if isinstance(result, Exception):
                request.outputs.set_exception(result)
            else:
                request.outputs.set_result(result)

    def _together(self, batch: list[_Waiting]) -> list[Tensors | Exception]:
        """Return the outputs of each request, or what it raised; one that cannot be computed spoils no other."""
        began = time.perf_counter()
        rows = [request.rows for request in batch]
        try:
            parts = [request.tensors for request in batch]
            outputs = batch[0].execute(parts[0] if len(parts) == 1 else joined(parts))
            results: list[Tensors | Exception] = [outputs] if len(parts) == 1 else split(outputs, rows)
        except Exception as error:
            if len(batch) == 1:
                return [error]
            return [self._together([request])[0] for request in batch]
        self._observe(sum(rows), time.perf_counter() - began)
        return results

    def close(self) -> None:
        """End the threads, after what they compute."""
        self._threads.shutdown(wait=True)
