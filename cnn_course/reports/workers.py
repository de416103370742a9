"""The workers of a grid: how they are reached, what they are given to do, and how they are told to stop.

A worker gets a notebook as text and sends back the report's folder, so that it needs the course installed, and no disk
in common with the one who asks.

A scheduler of dask asks nobody for a password: whoever reaches its port can have code executed by its workers, and what
these answer is unpickled here. The one that is started here listens on the loopback address only; another one belongs
into a network of one's own, or behind dask's TLS.
"""

import contextlib
import io
import logging
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_course import __version__
from cnn_course.reports.catalogue import Lesson
from cnn_course.reports.errors import ReportError
from cnn_course.reports.execution import Kernels
from cnn_course.reports.running import Plan, make_report

if TYPE_CHECKING:
    from distributed import Client, Future

# So many workers may be lost under one run before the run itself is held to be the reason.
LOST_WORKERS = 3
# Seconds to wait for a scheduler, and then for the first of its workers.
PATIENCE = 20
# Seconds between two looks at what is finished.
PAUSE = 0.2
# The kernels of each grid in this worker process.
_kernels: dict[str, Kernels] = {}


def require_dask() -> None:
    """Raise :class:`ReportError` where dask.distributed is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise ReportError(
            "A grid needs dask.distributed, which is not installed. Install it with: pip install 'cnn-course[cluster]'"
        ) from error


@contextlib.contextmanager
def connected(scheduler: str | None, jobs: int) -> Iterator["Client"]:
    """Connect to the scheduler, or to one that is started with ``jobs`` workers on this machine; check the workers."""
    import dask
    from distributed import Client, LocalCluster

    with contextlib.ExitStack() as stack:
        # A kernel inherits its worker's environment; by default dask would leave NumPy only one thread there.
        quiet = {"distributed.nanny.pre-spawn-environ": {}, "distributed.scheduler.allowed-failures": LOST_WORKERS}
        stack.enter_context(dask.config.set(quiet))
        stack.enter_context(_silence())
        try:
            if scheduler is None:
                # Each worker has a nanny, a process that starts another one in its place when it is lost. The memory
                # is that of the kernels, which the nanny does not see, and so it watches none.
                cluster = LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address=None,
                    memory_limit=0,
                    preload=[__name__],  # dask_setup
                    silence_logs=logging.CRITICAL,
                )
                stack.enter_context(cluster)
            client = stack.enter_context(Client(scheduler or cluster, timeout=PATIENCE))
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            where = scheduler or "this machine"
            raise ReportError(
                f"No scheduler with workers answers at {where} ({type(error).__name__}). Start them with 'dask "
                "scheduler --host HOST' and 'dask worker tcp://HOST:8786 --nthreads 1', in a network of your own; "
                "without --scheduler the grid runs on this machine."
            ) from error
        _check_workers(client)
        yield client


def dask_setup(worker: Any) -> None:
    """On a worker of this machine, called by dask: leave Ctrl-C at the terminal to the command that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep dask's own words about lost workers from the terminal: the grid says what matters."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _check_workers(client: "Client") -> None:
    """Raise :class:`ReportError` unless every worker has this version of the course."""
    try:
        versions = client.run(course_version)
    except (ImportError, AttributeError) as error:
        raise ReportError(
            f"The workers cannot import the course ({error}). Install the same version, {__version__}, in their "
            "environment."
        ) from error
    others = sorted({version for version in versions.values() if version != __version__})
    if others:
        raise ReportError(f"This is version {__version__} of the course, and workers have {', '.join(others)}.")


def course_version() -> str:
    """Return the version of the course in the process that is asked."""
    return __version__


def submitted(client: "Client", grid: str, plans: Sequence[Plan], source: str) -> dict["Future", Plan]:
    """Hand all runs to the scheduler, in their order, and return them by their futures."""
    return {
        client.submit(
            make,
            grid,
            plan.lesson.path.name,
            source,
            plan.profile,
            dict(plan.parameters),
            key=f"{plan.name}-{grid}",
            priority=-k,
            retries=1,  # of an exception that is not the lesson's, such as a full disk of the worker
            pure=False,
        ): plan
        for k, plan in enumerate(plans)
    }


def finished(client: "Client", futures: Mapping["Future", Plan]) -> Iterator["Future"]:
    """Yield the futures as they finish or fail for good, and say when a worker is lost.

    Raises:
        ConnectionError: The scheduler is lost, or somebody has cancelled the runs there.
    """
    from tqdm import tqdm

    waiting, known = list(futures), set(client.nthreads())
    while waiting:
        alive = set(client.nthreads())
        for address in sorted(known - alive):
            tqdm.write(f"A worker was lost ({address}); what it was doing is done again.", file=sys.stdout)
        known = alive
        ready = [future for future in waiting if future.done()]
        for future in ready:
            if future.cancelled():  # so does a client that has lost its scheduler
                raise ConnectionError("it has cancelled what it was given")
            waiting.remove(future)
            yield future
        if not ready:
            time.sleep(PAUSE)


def end(client: "Client", grid: str, futures: Mapping["Future", Plan]) -> None:
    """Take back what has not begun, and end what has."""
    if client.status != "running":  # the scheduler is lost, and nobody can be told
        return
    with contextlib.suppress(Exception):  # the workers may be the reason why everything ends
        client.cancel(list(futures), force=True)
        client.run(end_kernels, grid, nanny=False)


def reason(future: "Future") -> str:
    """Return in a sentence why a run has no report."""
    from distributed.scheduler import KilledWorker

    error = future.exception()
    if isinstance(error, KilledWorker):
        return (
            f"{error.allowed_failures + 1} workers were lost under it. Often a machine has run out of memory: try a "
            "smaller batch_size or train_size, or fewer --jobs."
        )
    return f"{type(error).__name__}: {error}"


def make(grid: str, file_name: str, source: str, profile: str, parameters: Mapping[str, Any]) -> bytes:
    """On a worker: make one report in a folder of the worker's own, and return the folder as a zip file."""
    import nbformat
    from distributed import get_worker

    # The worker's nanny removes its folder, should the worker be lost.
    with tempfile.TemporaryDirectory(dir=get_worker().local_directory) as name:
        folder = Path(name)
        notebook_file = folder / file_name
        notebook_file.write_text(source, encoding="utf-8")
        plan = Plan(Lesson(notebook_file), profile, parameters)
        out = folder / "out"
        out.mkdir()
        make_report(
            plan,
            nbformat.reads(source, as_version=4),
            out,
            _kernels.setdefault(grid, Kernels()),
            on_cell=lambda count: None,
            places={file_name: f"../{plan.name}/index.html"},
        )
        return _zipped(out / plan.name)


def end_kernels(grid: str) -> None:
    """On a worker: end the kernels that a grid has there, and let it start no other."""
    _kernels.setdefault(grid, Kernels()).kill()


def _zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return stream.getvalue()
