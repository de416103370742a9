"""Worker processes on this machine: started together, watched, and all started again when one is lost."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnn_course.files import write_arrays
from cnn_course.lesson import write_json

GRACE = 3.0  # seconds for the other workers to notice that one is gone


class WorkersFailed(RuntimeError):
    """The workers could not finish; the message says which one failed, and what it wrote last."""


@dataclass(frozen=True)
class Attempt:
    """One start of all workers: the exit code of each (negative: the signal that ended it), and the seconds it took.

    ``lost`` is the worker that failed first, ``None`` where none did: the others fail because it is gone.
    """

    exit_codes: tuple[int, ...]
    seconds: float
    lost: int | None = None

    @property
    def succeeded(self) -> bool:
        """Return whether every worker came to its end."""
        return not any(self.exit_codes)


def write_job(
    folder: Path,
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    steps: int,
    batch_size: int,
    rate: float,
    momentum: float = 0.0,
    seed: int = 0,
    save_every: int = 10,
    dies: tuple[int, int] | None = None,
    try_fit: bool = False,
) -> Path:
    """Write what workers need into ``folder``: the model with its weights, the images, the settings; return the job.

    Args:
        folder: Made where it is missing; the workers must all see it.
        model: A classifier that returns logits, without layers of one's own.
        images: Training images.
        labels: Whole numbers, one for each image.
        steps: Steps of the whole training.
        batch_size: Images in one step of all workers together.
        rate: Learning rate of SGD.
        momentum: Of SGD.
        seed: Of the order of the images.
        save_every: Steps between two checkpoints.
        dies: ``(worker, step)``: that worker kills itself after that step, once.
        try_fit: Whether each worker first tries ``keras.Model.fit``, and notes how that ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    write_arrays(folder / "data.npz", images=images, labels=labels)
    settings = {"steps": steps, "batch_size": batch_size, "rate": rate, "momentum": momentum, "seed": seed}
    more = {"save_every": save_every, "dies": dies, "try_fit": try_fit, "attempt": 1}
    write_json(folder / "job.json", {"model": "model.keras", "data": "data.npz", **settings, **more})
    return folder / "job.json"


def run_workers(job: Path, *, workers: int = 2, attempts: int = 3, timeout: float = 600) -> list[Attempt]:
    """Run a job on several worker processes of this machine, and return what became of each attempt.

    Where one worker is lost, those that are left can do nothing: each step needs the gradients of all. So they are
    ended too, and all begin anew from the last checkpoint.

    Beside the job lie afterwards ``weights.npz`` (of the trained model), ``steps.jsonl`` (attempt, step and loss, one
    line for each step), and for worker K ``worker-K.json`` (what it measured, and its images of the first batch) and
    ``worker-K.log`` (what it wrote).

    The workers connect to each other over the loopback address. But while they run, TensorFlow's server in each of them
    listens on all addresses of the machine and asks nobody for a password, whatever address it is told (it does so in
    ``grpc_server_lib.cc``): keep other machines out by a firewall.

    Args:
        job: Of :func:`write_job`.
        workers: How many processes.
        attempts: How often they are started at most.
        timeout: Seconds for one attempt.

    Raises:
        WorkersFailed: The last attempt failed.
    """
    made: list[Attempt] = []
    for name in ("checkpoint.npz", "steps.jsonl", "weights.npz"):
        (job.parent / name).unlink(missing_ok=True)  # of an earlier call
    while len(made) < attempts:
        made.append(_attempt(job, workers, timeout))
        if made[-1].succeeded:
            return made
        settings = json.loads(job.read_text(encoding="utf-8"))
        write_json(job, {**settings, "dies": None, "try_fit": False, "attempt": len(made) + 1})
    worker = made[-1].lost
    written = (job.parent / f"worker-{worker}.log").read_text(encoding="utf-8", errors="replace")
    last = "\n".join(written.strip().splitlines()[-5:])
    raise WorkersFailed(
        f"After {attempts} attempts worker {worker} still ended first, with exit code {made[-1].exit_codes[worker]}. "
        f"Its log, {job.parent / f'worker-{worker}.log'}, ends with:\n{last}"
    )


def _attempt(job: Path, workers: int, timeout: float) -> Attempt:
    began = time.monotonic()
    addresses = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    processes: list[subprocess.Popen] = []
    try:
        for k in range(workers):
            with (job.parent / f"worker-{k}.log").open("wb") as log:
                command = [sys.executable, "-m", "cnn_course.scaling.worker", str(job)]
                variables = worker_environment(os.environ, addresses, k)
                processes.append(subprocess.Popen(command, env=variables, stdout=log, stderr=log))
        codes, lost = _watched(processes, began + timeout)
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
    return Attempt(tuple(codes), time.monotonic() - began, lost)


def _watched(processes: Sequence[subprocess.Popen], deadline: float) -> tuple[list[int], int | None]:
    """Wait for all processes, once one has failed only for a little longer; return exit codes, and which failed first.

    Where none failed in time, all that are left are ended, and the first of these is named.
    """
    lost = None
    while None in [process.poll() for process in processes]:  # asks all of them
        if lost is None and (lost := _first_failed(processes)) is not None:
            deadline = min(deadline, time.monotonic() + GRACE)
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for process in processes:
        if process.poll() is None:
            process.kill()
    codes = [process.wait() for process in processes]
    return codes, _first_failed(processes) if lost is None else lost


def _first_failed(processes: Sequence[subprocess.Popen]) -> int | None:
    return next((k for k, process in enumerate(processes) if process.returncode), None)


def worker_environment(variables: Mapping[str, str], addresses: Sequence[str], index: int) -> dict[str, Any]:
    """Return the environment of worker ``index``: ``TF_CONFIG`` tells it all addresses and its own place among them."""
    cluster = {"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": index}}
    # Collective operations run on the processor; a GPU of this machine cannot be shared by two of these processes.
    fixed = {"TF_CONFIG": json.dumps(cluster), "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    return {**variables, **fixed}


def free_ports(count: int) -> list[int]:
    """Return so many ports of 127.0.0.1 that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
