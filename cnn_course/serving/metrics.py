"""What a server counts: latencies, batches, errors, requests in flight, and what its inputs look like. Lesson 13."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cnn_course.serving.drift import image_statistics

# Upper edges of the buckets. A quantile is known as well as its bucket is narrow: up to a second each edge is a half to
# two thirds above the last. Beyond the last edge nothing is known but that it was passed.
SECONDS = (
    *(0.001, 0.0015, 0.0025, 0.004, 0.006, 0.01, 0.015, 0.025, 0.04, 0.06),
    *(0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 2.5, 10.0),
)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
BRIGHTNESS = tuple(range(16, 256, 16))
CONTRAST = tuple(range(8, 128, 8))
MOST_CLASSES = 1000


class Metrics:
    """The counters of one server, in a registry of its own.

    Every label has few values, all of them the server's own: a label that a client could choose would let it fill the
    server's memory.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = {"registry": self.registry, "namespace": "cnn_course"}
        self._seconds = Histogram(
            "request_seconds", "Time from the request's head to the answer.", ["action", "code"], buckets=SECONDS, **own
        )
        self._errors = Counter("errors", "Requests that were not answered with 200, by code.", ["code"], **own)
        self._in_flight = Gauge("in_flight", "Requests that are not answered yet.", **own)
        self._batch_rows = Histogram("batch_rows", "Rows that were computed together.", buckets=ROWS, **own)
        self._batch_seconds = Histogram("batch_seconds", "Time to compute a batch.", buckets=SECONDS, **own)
        self._version = Gauge("version", "The version of the model that is served.", **own)
        self._brightness = Histogram("input_brightness", "Mean of an image's pixels.", buckets=BRIGHTNESS, **own)
        self._contrast = Histogram("input_contrast", "Deviation of an image's pixels.", buckets=CONTRAST, **own)
        self._answers = Counter("answers", "Predictions, by their likeliest class.", ["class_index"], **own)

    @contextmanager
    def request(self) -> Iterator[dict[str, Any]]:
        """Time a request; the block writes its ``action`` and ``code`` into the dictionary that it is given."""
        seen: dict[str, Any] = {"action": "none", "code": 500}
        began = time.perf_counter()
        self._in_flight.inc()
        try:
            yield seen
        finally:
            self._in_flight.dec()
            action, code = str(seen["action"]), str(seen["code"])
            self._seconds.labels(action, code).observe(time.perf_counter() - began)
            if code != "200":
                self._errors.labels(code).inc()

    def batch(self, rows: int, seconds: float) -> None:
        """Count a batch."""
        self._batch_rows.observe(rows)
        self._batch_seconds.observe(seconds)

    def version(self, number: int) -> None:
        """Tell which version is served."""
        self._version.set(number)

    def images(self, tensors: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> None:
        """Count the brightness and contrast of images that came as pixels, and the classes of all predictions.

        Images that came as files are decoded in the model, so that nothing is known of their pixels here.
        """
        for values in tensors.values():
            if values.ndim == 4 and values.dtype.kind in "uif":
                for brightness, contrast in zip(*image_statistics(values), strict=True):
                    self._brightness.observe(float(brightness))
                    self._contrast.observe(float(contrast))
        probabilities = outputs.get("probabilities")
        if probabilities is not None and probabilities.ndim == 2 and probabilities.shape[1] <= MOST_CLASSES:
            for k in probabilities.argmax(axis=1):
                self._answers.labels(str(k)).inc()

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
