"""Clients that ask a service as fast as it answers, and what they found. Derived in lesson 13.

Each client sends its next request when it has the answer to its last one (a *closed loop*), over one connection. So
the number of clients is the number of requests in flight, and a slow server is asked less.
"""

import http.client
import itertools
import json
import threading
import time
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Answer:
    """What came back for one request: for which body, when (seconds), how long it took, and what it was."""

    body: int
    began: float
    seconds: float
    status: int
    content: bytes


@dataclass
class Load:
    """What some clients found in some seconds; ``lost`` holds a reason for each request without an answer."""

    clients: int
    seconds: float = 0.0
    answers: list[Answer] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return len(self.answers) / self.seconds

    def milliseconds(self, *percent: float) -> np.ndarray:
        """Return percentiles of the latency in milliseconds."""
        return 1000 * np.percentile([answer.seconds for answer in self.answers], percent)

    def refused(self) -> int:
        """Return the number of answers with another status than 200."""
        return sum(answer.status != 200 for answer in self.answers)

    def furthest(self, expected: np.ndarray) -> float:
        """Return the largest difference of any probability from ``expected``, a row for each body with one instance.

        Infinite where an answer is missing, was refused, or has another form.
        """
        if self.lost or self.refused() or not self.answers:
            return float("inf")
        found = np.array([json.loads(answer.content)["predictions"][0] for answer in self.answers])
        wanted = expected[[answer.body for answer in self.answers]]
        return float(np.abs(found - wanted).max()) if found.shape == wanted.shape else float("inf")


class Clients:
    """Clients that ask until they are stopped, each in a thread of its own.

    Args:
        url: The whole address of a POST.
        bodies: Bodies of requests, taken in turns by all clients together.
        count: Number of clients.
    """

    def __init__(self, url: str, bodies: Sequence[bytes], count: int) -> None:
        self._url = urllib.parse.urlsplit(url)
        self._bodies = bodies
        self._turns = itertools.count()
        self._ready = threading.Barrier(count + 1)
        self._end = threading.Event()
        self._found = Load(count)
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()
        self._ready.wait()
        self._began = time.perf_counter()

    def stop(self) -> Load:
        """Let every client have its last answer, and return what they found."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        self._found.seconds = time.perf_counter() - self._began
        return self._found

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(self._url.hostname or "", self._url.port, timeout=60)
        self._ready.wait()
        while not self._end.is_set():
            body = next(self._turns) % len(self._bodies)
            began = time.perf_counter()
            try:
                connection.request("POST", self._url.path, self._bodies[body], {"Content-Type": "application/json"})
                response = connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException) as error:
                self._found.lost.append(f"{type(error).__name__}: {error}")
                connection.close()
                time.sleep(0.01)  # a server that is gone need not be asked without a pause
                continue
            took = time.perf_counter() - began
            self._found.answers.append(Answer(body, began, took, response.status, content))
        connection.close()


def load(url: str, bodies: Sequence[bytes], *, clients: int, seconds: float) -> Load:
    """Let ``clients`` ask for so many seconds, and return what they found."""
    with Clients(url, bodies, clients) as asking:
        time.sleep(seconds)
        return asking.stop()
