"""A grid of reports: one lesson with every combination of some parameters' values, on workers of dask.distributed.

The workers are processes of this machine, or those of an existing cluster. A worker gets the notebook as text and sends
back the report's folder, so that it needs the course installed, and no disk in common with the one who asks.
"""

import contextlib
import hashlib
import io
import itertools
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_course import __version__
from cnn_course.lesson import write_json
from cnn_course.reports import catalogue, comparison
from cnn_course.reports.catalogue import Lesson
from cnn_course.reports.errors import ReportError
from cnn_course.reports.execution import Kernels
from cnn_course.reports.running import (
    Interrupted,
    Plan,
    Report,
    make_report,
    prepare_folder,
    read_json,
    replace_folder,
    termination_as_interrupt,
)

if TYPE_CHECKING:
    from distributed import Client, Future

# What a run's folder says of its origin; a run whose lesson has changed since is not taken for finished.
STAMP = "grid.json"
# So many workers may be lost under one run before the run itself is held to be the reason.
LOST_WORKERS = 3
# Seconds to wait for a scheduler, and then for the first of its workers.
PATIENCE = 20
# The kernels of each grid in this worker process.
_kernels: dict[str, Kernels] = {}


@dataclass(frozen=True)
class Grid:
    """What became of a grid: reports made now, how many were there already, runs given up, and the comparison."""

    reports: list[Report]
    kept: int
    given_up: dict[str, str]
    page: Path | None
    table: str


def values_of(text: str) -> list[Any]:
    """Return the values that ``text`` lists, with commas between them; commas inside brackets and quotes stay.

    >>> values_of("1,2.5,mnist5k"), values_of("[8, 16],[8]")
    ([1, 2.5, 'mnist5k'], [[8, 16], [8]])
    """
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if sign in "\"'":
            quote = "" if sign == quote else quote or sign
        elif not quote:
            depth += (sign in "[({") - (sign in "])}")
        if sign == "," and not quote and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    if not all(part.strip() for part in parts):
        raise ReportError(f"{text!r} is not a list of values such as 1,2,5: there is nothing beside one of its commas.")
    return [catalogue.literal(part.strip()) for part in parts]


def values_by_name(given: Sequence[tuple[str, str]]) -> dict[str, list[Any]]:
    """Return the values of each parameter from pairs such as ``("epochs", "1,2")``."""
    names = [name for name, _ in given]
    for name in names:
        if names.count(name) > 1:
            raise ReportError(f"{name} is given more than once. Give all its values together: -p {name} V1,V2.")
        if name == "profile":
            raise ReportError("A grid has one profile: give it as --profile.")
    return {name: values_of(text) for name, text in given}


def plans(lesson: Lesson, profile: str, values: Mapping[str, Sequence[Any]]) -> list[Plan]:
    """Return a plan for each combination of the values, the last parameter's changing fastest.

    Raises:
        ReportError: A parameter is unknown, or two combinations would have the same folder.
    """
    catalogue.refuse_unknown(values, lesson)
    combinations = itertools.product(*values.values())
    found = [Plan(lesson, profile, dict(zip(values, chosen, strict=True))) for chosen in combinations]
    names = [plan.name for plan in found]
    double = next((name for name in names if names.count(name) > 1), None)
    if double:
        raise ReportError(
            f"Two runs of this grid would be written to the same folder, {double}. Give every value once; where the "
            "values are long, vary fewer parameters at a time."
        )
    return found


def run(plans: Sequence[Plan], out: Path, *, scheduler: str | None = None, jobs: int = 1) -> Grid:
    """Make the reports that ``out`` does not hold yet, and write the comparison of all of them beside them.

    Args:
        plans: All of one lesson (:func:`plans`).
        out: Folder of the reports; ``comparison/index.html`` in it compares them.
        scheduler: The address of an existing scheduler (``tcp://HOST:8786``); by default workers of this machine.
        jobs: How many runs at the same time, where the workers are this machine's.

    Raises:
        ReportError: Dask is not installed, the scheduler does not answer or its workers cannot do the work, or ``out``
            cannot hold the reports.
        Interrupted: Ctrl-C or a request to terminate came; what is finished is kept.
    """
    from cnn_course.reports import pages

    _require_dask()
    out = prepare_folder(out, len(plans))
    source = plans[0].lesson.path.read_text(encoding="utf-8")
    stamp = {"lesson": hashlib.sha256(_code_of(source).encode()).hexdigest(), "course": __version__}
    missing = [plan for plan in plans if not is_finished(out / plan.name, stamp)]
    if len(missing) < len(plans):
        print(f"{len(plans) - len(missing)} of {len(plans)} runs are finished already, and kept.")
    reports: list[Report] = []
    given_up: dict[str, str] = {}
    with termination_as_interrupt() as received:
        try:
            if missing:
                _make_all(missing, source, out, stamp, scheduler, jobs, reports, given_up)
        except KeyboardInterrupt:
            if reports:
                pages.write_overview(out)
            raise Interrupted(len(reports), received[0] if received else signal.SIGINT) from None
        except OSError as error:
            raise ReportError(f"The reports cannot be written to {out}: {error.strerror or error}.") from error
    pages.write_overview(out)
    page, table = _compared(plans, out)
    return Grid(sorted(reports, key=lambda report: report.run), len(plans) - len(missing), given_up, page, table)


def _make_all(
    plans: Sequence[Plan],
    source: str,
    out: Path,
    stamp: Mapping[str, str],
    scheduler: str | None,
    jobs: int,
    reports: list[Report],
    given_up: dict[str, str],
) -> None:
    """Make the reports of all plans; enter each in ``reports`` or ``given_up`` as soon as its end is known."""
    from tqdm import tqdm

    grid = uuid.uuid4().hex
    bar = tqdm(total=len(plans), unit="run", disable=None, dynamic_ncols=True)
    with _client(scheduler, min(jobs, len(plans))) as client, bar:
        futures = _submitted(client, grid, plans, source)
        try:
            for future in _finished(client, futures):
                plan = futures[future]
                if future.status == "finished":
                    reports.append(_stored(future.result(), plan, out, stamp))
                    tqdm.write(reports[-1].lines(), file=sys.stdout)
                else:
                    given_up[plan.name] = _reason(future)
                    tqdm.write(f"{plan.name}: given up. {given_up[plan.name]}", file=sys.stdout)
                bar.update()
        except BaseException:
            _end(client, grid, futures)
            raise


def is_finished(folder: Path, stamp: Mapping[str, str]) -> bool:
    """Return whether the folder holds a run that came to its end, made from the lesson as it is now."""
    report = read_json(folder / "report.json") or {}
    return report.get("status") in ("passed", "checks failed") and read_json(folder / STAMP) == stamp


def _code_of(source: str) -> str:
    """Return what a notebook executes: the sources of its code cells, without their outputs."""
    cells = [cell for cell in json.loads(source)["cells"] if cell["cell_type"] == "code"]
    return json.dumps(["".join(cell["source"]) for cell in cells])


def _require_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise ReportError(
            "A grid needs dask.distributed, which is not installed. Install it with: pip install 'cnn-course[cluster]'"
        ) from error


@contextlib.contextmanager
def _client(scheduler: str | None, jobs: int) -> Iterator["Client"]:
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
                    silence_logs=logging.CRITICAL,
                )
                stack.enter_context(cluster)
            client = stack.enter_context(Client(scheduler or cluster, timeout=PATIENCE))
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            where = scheduler or "this machine"
            raise ReportError(
                f"No scheduler with workers answers at {where} ({type(error).__name__}). Start them with 'dask "
                "scheduler' and 'dask worker ADDRESS', and name the address that the first one prints; without "
                "--scheduler the grid runs on this machine."
            ) from error
        _check_workers(client)
        yield client


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


def _submitted(client: "Client", grid: str, plans: Sequence[Plan], source: str) -> dict["Future", Plan]:
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


def _finished(client: "Client", futures: Mapping["Future", Plan]) -> Iterator["Future"]:
    """Yield the futures as they finish or fail for good, and say when a worker is lost."""
    from distributed import wait
    from tqdm import tqdm

    waiting, known = set(futures), set(client.scheduler_info()["workers"])
    while waiting:
        with contextlib.suppress(TimeoutError):
            wait(waiting, timeout=0.5, return_when="FIRST_COMPLETED")
        alive = set(client.scheduler_info()["workers"])
        for address in sorted(known - alive):
            tqdm.write(f"A worker was lost ({address}); what it was doing is done again.", file=sys.stdout)
        known = known | alive if known <= alive else alive
        ready = [future for future in futures if future in waiting and future.done()]
        waiting -= set(ready)
        yield from ready


def _end(client: "Client", grid: str, futures: Mapping["Future", Plan]) -> None:
    """Take back what has not begun, and end what has."""
    with contextlib.suppress(Exception):  # the workers may be the reason why everything ends
        client.cancel(list(futures), force=True)
        client.run(end_kernels, grid, nanny=False)


def _stored(packed: bytes, plan: Plan, out: Path, stamp: Mapping[str, str]) -> Report:
    """Put the folder of a report that a worker has sent into its place."""
    part = out / f"{plan.name}.{os.getpid()}.part"
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            archive.extractall(part)
        write_json(part / STAMP, stamp)
        report = Report(**json.loads((part / "report.json").read_text(encoding="utf-8")))
        replace_folder(part, out / plan.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return report


def _zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return stream.getvalue()


def _reason(future: "Future") -> str:
    """Return in a sentence why a run has no report."""
    from distributed.scheduler import KilledWorker

    error = future.exception() if future.status == "error" else None
    if isinstance(error, KilledWorker):
        return (
            f"{error.allowed_failures + 1} workers were lost under it. Often a machine has run out of memory: try a smaller "
            "batch_size or train_size, or fewer --jobs."
        )
    return f"{type(error).__name__}: {error}" if error else "It was cancelled."


def _compared(plans: Sequence[Plan], out: Path) -> tuple[Path | None, str]:
    """Compare the runs that have results, and return the page and the table as text."""
    paths = [out / plan.name for plan in plans if (out / plan.name / "results.json").exists()]
    if len(paths) < 2:
        return None, ""
    compared = comparison.compare(paths)
    return comparison.write(compared, out / "comparison"), compared.as_text()
