"""A grid of reports: one lesson with every combination of some parameters' values, on workers of dask.distributed.

The workers (:mod:`workers`) are processes of this machine, or those of an existing cluster.
"""

import hashlib
import io
import itertools
import json
import os
import shutil
import signal
import sys
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnn_course import __version__
from cnn_course.lesson import write_json
from cnn_course.reports import catalogue, comparison, workers
from cnn_course.reports.catalogue import Lesson
from cnn_course.reports.errors import ReportError
from cnn_course.reports.running import (
    Interrupted,
    Plan,
    Report,
    prepare_folder,
    read_json,
    replace_folder,
    termination_as_interrupt,
)

# What a run's folder says of its origin; a run whose lesson has changed since is not taken for finished.
STAMP = "grid.json"


@dataclass(frozen=True)
class Grid:
    """What became of a grid: its reports, how many of them were there already, runs given up, and the comparison."""

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


def plans(
    lesson: Lesson, profile: str, values: Mapping[str, Sequence[Any]], notebooks: Path | None = None
) -> list[Plan]:
    """Return a plan for each combination of the values, the last parameter's changing fastest.

    ``notebooks`` is the folder of the lessons where another than the course's own was named.

    Raises:
        ReportError: A parameter is unknown, or two combinations would have the same folder.
    """
    catalogue.refuse_unknown(values, lesson)
    combinations = itertools.product(*values.values())
    found = [
        Plan(lesson, profile, dict(zip(values, chosen, strict=True)), notebooks=notebooks) for chosen in combinations
    ]
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

    workers.require_dask()
    out = prepare_folder(out, len(plans))
    source = plans[0].lesson.path.read_text(encoding="utf-8")
    stamp = {"lesson": hashlib.sha256(_code_of(source).encode()).hexdigest(), "course": __version__}
    if plans[0].profile == "auto":  # which profile that is, the environment may say
        stamp["profile"] = os.environ.get("CNN_COURSE_PROFILE", "")
    earlier = {plan.name: finished_report(out / plan.name, stamp) for plan in plans}
    missing = [plan for plan in plans if not earlier[plan.name]]
    reports = [report for report in earlier.values() if report]
    kept = len(reports)
    if kept:
        print(f"{kept} of {len(plans)} runs are finished already, and kept.")
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
            raise ReportError(
                f"The scheduler is lost, or {out} cannot be written to: {error.strerror or error}. The same command "
                "goes on with what is missing."
            ) from error
    pages.write_overview(out)
    page, table = _compared(plans, out, stamp)
    return Grid(sorted(reports, key=lambda report: report.run), kept, given_up, page, table)


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
    with (
        workers.connected(scheduler, min(jobs, len(plans))) as client,
        tqdm(total=len(plans), unit="run", disable=None, dynamic_ncols=True) as bar,
    ):
        futures = workers.submitted(client, grid, plans, source)
        try:
            for future in workers.finished(client, futures):
                plan = futures.pop(future)
                if future.status == "finished":
                    reports.append(_stored(future.result(), plan, out, stamp))
                    tqdm.write(reports[-1].lines(), file=sys.stdout)
                else:
                    given_up[plan.name] = workers.reason(future)
                    tqdm.write(f"{plan.name}: given up. {given_up[plan.name]}", file=sys.stdout)
                # While the scheduler has to keep a result, it would make it again once its worker is lost.
                future.release()
                bar.update()
        except BaseException:
            workers.end(client, grid, futures)
            raise


def finished_report(folder: Path, stamp: Mapping[str, str]) -> Report | None:
    """Return the report of a run that came to its end, made from the lesson as it is now, or ``None``."""
    report = read_json(folder / "report.json") or {}
    if report.get("status") not in ("passed", "checks failed") or read_json(folder / STAMP) != stamp:
        return None
    return Report(**report)


def _code_of(source: str) -> str:
    """Return what a notebook executes: the sources of its code cells, without their outputs."""
    cells = [cell for cell in json.loads(source)["cells"] if cell["cell_type"] == "code"]
    return json.dumps(["".join(cell["source"]) for cell in cells])


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


def _compared(plans: Sequence[Plan], out: Path, stamp: Mapping[str, str]) -> tuple[Path | None, str]:
    """Compare the runs that have results of the lesson as it is now; return the page, and the table as text."""
    folders = [out / plan.name for plan in plans]
    paths = [path for path in folders if read_json(path / STAMP) == stamp and (path / "results.json").exists()]
    if len(paths) < 2:
        return None, ""
    compared = comparison.compare(paths)
    return comparison.write(compared, out / "comparison"), compared.as_text()
