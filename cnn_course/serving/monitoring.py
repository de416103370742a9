"""Read a service's metrics from outside, as Prometheus does: scrape, subtract, and take quantiles. Lesson 13."""

import contextlib
import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from cnn_course.serving.server import address_of, bound

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Buckets:
    """A histogram: the buckets' upper edges (b,), the last of them infinite, and the observations in each, (b,)."""

    edges: np.ndarray
    counts: np.ndarray

    def __sub__(self, earlier: "Buckets") -> "Buckets":
        """Return what was observed since an earlier histogram of the same buckets."""
        return Buckets(self.edges, self.counts - earlier.counts)

    def quantile(self, q: float) -> float:
        """Return an estimate of the quantile ``q``: straight lines between the buckets' edges; NaN without values.

        As PromQL's ``histogram_quantile``: the first bucket begins at 0, and what lies beyond the last finite edge
        counts as that edge.
        """
        return quantile(self.edges, self.counts, q)


def quantile(edges: Sequence[float] | np.ndarray, counts: Sequence[float] | np.ndarray, q: float) -> float:
    """Return the quantile ``q`` (0 to 1) of values of which only the buckets are known; see :class:`Buckets`."""
    edges, counts = np.asarray(edges, float), np.asarray(counts, float)
    total = counts.sum()
    if total == 0:
        return float("nan")
    up_to = np.cumsum(counts)
    k = int(np.searchsorted(up_to, q * total, side="left"))
    k = min(k, len(counts) - 1)
    if np.isinf(edges[k]):
        return float(edges[k - 1])
    low = edges[k - 1] if k else 0.0
    before = up_to[k - 1] if k else 0.0
    inside = counts[k]
    return float(low + (edges[k] - low) * ((q * total - before) / inside if inside else 0.0))


@dataclass(frozen=True)
class Scrape:
    """The metrics of a service at one moment: seconds of :func:`time.perf_counter`, and each sample's value."""

    seconds: float
    samples: tuple[tuple[str, dict[str, str], float], ...]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a name that have these labels."""
        return sum(value for _, _, value in self._chosen(name, labels))

    def difference(self, earlier: "Scrape", name: str, **labels: str) -> float:
        """Return how much a count has grown since an earlier scrape."""
        return self.value(name, **labels) - earlier.value(name, **labels)

    def by_label(self, name: str, label: str) -> dict[str, float]:
        """Return the values of a name by one of its labels."""
        return {labels[label]: value for _, labels, value in self._chosen(name, {})}

    def buckets(self, name: str, **labels: str) -> Buckets:
        """Return a histogram, summed over the samples that have these labels."""
        totals: dict[float, float] = {}
        for _, own, value in self._chosen(f"{name}_bucket", labels):
            edge = float(own["le"])
            totals[edge] = totals.get(edge, 0.0) + value
        edges = np.array(sorted(totals))
        return Buckets(edges, np.diff([totals[edge] for edge in edges], prepend=0.0))

    def _chosen(self, name: str, labels: dict[str, str]) -> list[tuple[str, dict[str, str], float]]:
        return [
            (found, own, value)
            for found, own, value in self.samples
            if found == name and all(own.get(key) == wanted for key, wanted in labels.items())
        ]


def scrape(address: str) -> Scrape:
    """Return the metrics that a service tells now."""
    return read_metrics(httpx.get(f"{address}/metrics", timeout=PATIENCE_SECONDS).raise_for_status().text)


def read_metrics(text: str) -> Scrape:
    """Return metrics from Prometheus' text format, as of now."""
    families = text_string_to_metric_families(text)
    samples = tuple((sample.name, sample.labels, sample.value) for family in families for sample in family.samples)
    return Scrape(time.perf_counter(), samples)


class Scraper:
    """Scrapes a service again and again, in a thread, until the block ends; ``scrapes`` holds what it found."""

    def __init__(self, address: str, *, every: float = 0.25) -> None:
        self.scrapes = [scrape(address)]
        self._address, self._every = address, every
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._collect, daemon=True)

    def __enter__(self) -> "Scraper":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()
        self.scrapes.append(scrape(self._address))

    def _collect(self) -> None:
        while not self._end.wait(self._every):
            self.scrapes.append(scrape(self._address))

    def windows(self) -> list[tuple[Scrape, Scrape]]:
        """Return each scrape with the one after it."""
        return list(zip(self.scrapes[:-1], self.scrapes[1:], strict=True))


class Prometheus:
    """A running Prometheus that can be asked in its own language, PromQL."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, query: str) -> float:
        """Return the one number that a query gives now; NaN where it gives none."""
        answer = httpx.get(f"{self.address}/api/v1/query", params={"query": query}, timeout=PATIENCE_SECONDS)
        found = answer.raise_for_status().json()["data"]["result"]
        return float(found[0]["value"][1]) if found else float("nan")


@contextlib.contextmanager
def prometheus(address: str, *, every: float = 1.0) -> Iterator[Prometheus | None]:
    """Run the machine's Prometheus on a service until the block ends; ``None`` where there is none installed.

    It listens on this machine alone, keeps its data in a temporary folder, and scrapes each ``every`` seconds.
    """
    program = shutil.which("prometheus")
    if program is None:
        yield None
        return
    target = address.removeprefix("http://")
    interval = f"{round(1000 * every)}ms"
    jobs = [{"job_name": "cnn-course", "static_configs": [{"targets": [target]}]}]
    config = {"global": {"scrape_interval": interval, "scrape_timeout": interval}, "scrape_configs": jobs}
    with bound("127.0.0.1", 0) as listener:
        own = address_of(listener)  # free a moment ago, and by all likelihood still
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "prometheus.yml"
        file.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        command = [program, f"--config.file={file}", f"--storage.tsdb.path={folder}/data"]
        command.append(f"--web.listen-address={own.removeprefix('http://')}")
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, cwd=folder, **quiet)
        try:
            running = Prometheus(own)
            yield running if _has_scraped(running, process) else None
        finally:
            process.terminate()
            process.wait()


def _has_scraped(running: Prometheus, process: subprocess.Popen) -> bool:
    """Wait for the first scrape, some five seconds: so long Prometheus collects targets before it visits them."""
    until = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            if running.ask("up") == 1:
                return True
        time.sleep(0.05)
    return False
