"""Load a service of a network that was trained on CIFAR-10, by clients, with and without batching.

For each number of clients, once with batching and once without, `cnn-course serve` is started in a process of its own
and asked from this one, over HTTP on this machine, about one image in each request, by rows of JSON numbers. A client
asks again as soon as it has its answer, so the number of clients is the number of requests in flight. After a warm-up
everything is counted for some seconds: answers in a second, percentiles of the latency as the clients see it, images in
a batch, and the 95th percentile as the server's own histogram tells it. Every answer is compared with Keras'; a run in
which a request is lost or refused, or an answer differs, ends the benchmark. Clients and server share the machine's
cores, so that another machine for the clients would find more. The server without batching computes as many requests
at the same time as it has cores, the one with batching one batch at a time. A seed is a repetition, with the images in
another order. Every finished run is stored at once in results/serving.json; started again, the script goes on with the
runs that are missing.

    python benchmarks/serving.py
"""

import contextlib
import functools
import gc
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, complete

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {"images": 1000, "warm_up_seconds": 3.0, "tolerance": 1e-4}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "serving.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--clients", default="1,8,64", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--network", default="fast_network", show_default=True, type=click.Choice(["fast_network", "student"]))
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(min=0.1), help="Of each run.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(
    out: Path, seeds: tuple[int, ...], clients: tuple[int, ...], network: str, seconds: float, at_most: int | None
) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    with tempfile.TemporaryDirectory() as folder:
        runs = complete(
            out,
            {
                "what": "A service under load: answers in a second, latency in milliseconds, images in a batch.",
                "settings": {"network": network, "seconds": seconds, **SETTINGS},
            },
            [
                {"clients": count, "batching": batching, "seed": seed}
                for seed in seeds
                for count in clients
                for batching in (True, False)
            ],
            load=lambda: datasets.load("cifar10"),
            run=lambda dataset, job: _measured(dataset, network, Path(folder), seconds, **job),
            tell=_told,
            at_most=at_most,
        )
    _print_table(runs)


def _measured(
    dataset: Any, network: str, folder: Path, seconds: float, *, clients: int, batching: bool, seed: int
) -> dict[str, Any]:
    """Serve the network, ask it, and return what was measured; an error where an answer is missing or wrong."""
    import time

    import numpy as np

    from cnn_course import serving

    images, expected = _asked(dataset, network)
    place = folder / network
    if not place.exists():
        from cnn_course import models

        names, shape = dataset.class_names, dataset.image_shape
        serving.export(models.trained(network), place, class_names=names, image_shape=shape)
    order = np.random.default_rng(seed).permutation(len(images))
    bodies = [json.dumps({"instances": [image]}).encode() for image in images[order].tolist()]
    gc.collect()
    gc.freeze()  # looking through all of TensorFlow's objects, again and again, would hold every client up
    with _served(place, batching) as address:
        url = f"{address}/v1/models/{network}:predict"
        serving.load(url, bodies, clients=clients, seconds=SETTINGS["warm_up_seconds"])
        before, began = serving.scrape(address), time.perf_counter()
        found = serving.load(url, bodies, clients=clients, seconds=seconds)
        took = time.perf_counter() - began
        after = serving.scrape(address)
    apart = found.furthest(expected[order])
    if apart > SETTINGS["tolerance"]:
        first = found.lost[0] if found.lost else f"an answer differs from Keras' by {apart:.2g}"
        raise click.ClickException(f"{len(found.lost)} requests lost, {found.refused()} refused; {first}.")
    histogram = "cnn_course_request_seconds"
    buckets = after.buckets(histogram, action="predict") - before.buckets(histogram, action="predict")
    p50, p95, p99 = found.milliseconds(50, 95, 99)
    return {
        "answers": len(found.answers),
        "lost": len(found.lost) + found.refused(),
        "furthest": apart,
        "per_second": round(found.per_second, 1),
        "p50": round(float(p50), 2),
        "p95": round(float(p95), 2),
        "p99": round(float(p99), 2),
        "server_p95": round(1000 * buckets.quantile(0.95), 2),
        "images_in_a_batch": round(len(found.answers) / after.difference(before, "cnn_course_batch_rows_count"), 2),
        "seconds": round(took, 1),
    }


@functools.lru_cache(maxsize=1)
def _asked(dataset: Any, network: str) -> tuple[Any, Any]:
    """Return test images and the probabilities that Keras gives for them."""
    import keras
    import numpy as np

    from cnn_course import models

    images = dataset.split(1, 0, SETTINGS["images"]).test.images
    logits = models.trained(network).predict(images, batch_size=100, verbose=0)
    return images, np.asarray(keras.ops.softmax(logits))


@contextlib.contextmanager
def _served(folder: Path, batching: bool) -> Iterator[str]:
    """Give the address of a service in a process of its own."""
    command = [sys.executable, "-m", "cnn_course.cli", "serve", str(folder), "--port", "0"]
    command.append("--batching" if batching else "--no-batching")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.match(r"http://[^/]+", line)
            if found is None:
                raise click.ClickException(f"The service did not start: {line or 'its error is above'}")
            yield found[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _told(run: dict[str, Any]) -> str:
    kind = "batched" if run["batching"] else "one by one"
    return (
        f"{run['clients']} clients, {kind}, seed {run['seed']}: {run['per_second']:.0f} in a second, "
        f"p50 {run['p50']:.1f}, p95 {run['p95']:.1f}, p99 {run['p99']:.1f} ms"
    )


def _print_table(runs: list[dict[str, Any]]) -> None:
    """Print the means over the seeds, a line for each number of clients and each kind."""
    click.echo("clients               in a second      p50      p95      p99 (ms)   images in a batch")
    groups: dict[tuple[int, bool], list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault((run["clients"], run["batching"]), []).append(run)
    for (clients, batching), own in sorted(groups.items(), key=lambda group: (group[0][0], not group[0][1])):
        mean = {key: sum(run[key] for run in own) / len(own) for key in own[0] if isinstance(own[0][key], int | float)}
        numbers = "".join(f"{mean[key]:9.1f}" for key in ("per_second", "p50", "p95", "p99"))
        kind = "batched" if batching else "one by one"
        click.echo(f"{clients:>7}  {kind:<14}{numbers}{mean['images_in_a_batch']:17.1f}")


if __name__ == "__main__":
    main()
