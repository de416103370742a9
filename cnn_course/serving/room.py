"""Room for requests: what the server takes on at the same time, and what it refuses."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cnn_course.serving.contract import Limits
from cnn_course.serving.errors import RequestError


@dataclass
class Room:
    """How many requests for predictions are under way, and how many bytes of their bodies are kept."""

    limits: Limits
    requests: int = 0
    bytes: int = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[Callable[[int], None]]:
        """Take a place for a request, and give what tells of further bytes of its body.

        Raises:
            RequestError: 503: there is no room, for the request or for its bytes.
        """
        if self.requests >= self.limits.waiting:
            raise RequestError(503, f"{self.requests} requests are waiting already; try again later.")
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            alone = self.bytes == taken  # a single one may be as long as the limit of a body allows
            if not alone and self.bytes + count > self.limits.waiting_bytes:
                raise RequestError(503, "The bodies of the waiting requests fill the server's memory; try again later.")
            self.bytes += count
            taken += count

        self.requests += 1
        try:
            yield take
        finally:
            self.requests -= 1
            self.bytes -= taken
