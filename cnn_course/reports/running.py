"""Several lessons, each executed into a folder of its own that appears, whole, when its report is finished."""

import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from cnn_course.files import read_json
from cnn_course.lesson import write_json
from cnn_course.reports import catalogue
from cnn_course.reports.authoring import kernel_environment
from cnn_course.reports.catalogue import Lesson
from cnn_course.reports.errors import ReportError
from cnn_course.reports.execution import Execution, Kernels, code_cells, execute

# A lesson's report takes one to three megabytes, and what a lesson saves in its folder up to a few tens.
SPACE_PER_LESSON = 32 * 2**20


@dataclass(frozen=True)
class Plan:
    """One lesson as it is to be run: profile, parameters, the name of its folder, and whether its page shows code.

    ``notebooks`` is the folder of the lessons where another than the course's own was named.
    """

    lesson: Lesson
    profile: str
    parameters: Mapping[str, Any]
    code: bool = True
    notebooks: Path | None = None

    @property
    def name(self) -> str:
        """Return the folder's name: the lesson, the profile unless it is "auto", and what was given."""
        profile = [] if self.profile == "auto" else [self.profile]
        given = [f"{name}={value}" for name, value in self.parameters.items()]
        safe = "".join(sign if sign.isalnum() or sign in "-_=.," else "_" for sign in "-".join(profile + given))
        return f"{self.lesson.name}-{safe}"[:120] if safe else self.lesson.name

    def command(self, profile: str) -> str:
        """Return the command that repeats this run; ``profile`` is what it ran in, which "auto" leaves open."""
        words = [
            f"cnn-course run {shlex.quote(self.lesson.name)}",
            "" if profile == "auto" else f"--profile {profile}",
            catalogue.as_arguments(self.parameters),
            "" if self.code else "--no-code",
            f"--notebooks {shlex.quote(str(self.notebooks))}" if self.notebooks else "",
        ]
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Report:
    """One finished report: where it is and how it went; ``report.json`` in its folder holds the same."""

    run: str
    lesson: str
    title: str
    status: str  # "passed", "checks failed" or "failed"
    seconds: float
    command: str
    failure: dict[str, Any] | None

    def lines(self) -> str:
        """Return the outcome as text: one line, and for a failure the cell, its source and the error below it."""
        first = f"{self.run}: {self.status}, {self.seconds:.0f} s"
        if not self.failure:
            return first
        source = "\n".join(f"    {line}" for line in self.failure["source"].splitlines())
        place = f"in cell [{self.failure['cell']}]" if self.failure["cell"] else "before the first cell"
        return f"{first}, {place}\n{source}\n  {self.failure['error']}: {self.failure['message']}"


class Interrupted(Exception):
    """Somebody stopped the run; ``finished`` reports are whole, and nothing is left of the others."""

    def __init__(self, finished: int, signal_number: int) -> None:
        self.finished = finished
        self.signal_number = signal_number
        super().__init__(f"Stopped. Reports finished before that, and kept: {finished}.")


def run(plans: Sequence[Plan], out: Path, *, jobs: int = 1) -> list[Report]:
    """Execute the planned lessons, write a report of each and the page ``out/index.html``, and return the reports.

    Raises:
        ReportError: A lesson cannot be read, a parameter is unknown, or ``out`` cannot hold the reports; found before
            anything is executed.
        Interrupted: Ctrl-C or a request to terminate came.
    """
    from tqdm import tqdm

    from cnn_course.reports import pages

    for plan in plans:
        catalogue.refuse_unknown(plan.parameters, plan.lesson)
    notebooks = [plan.lesson.notebook() for plan in plans]
    out = prepare_folder(out, len(plans))
    places = {plan.lesson.path.name: f"../{plan.name}/index.html" for plan in plans}
    kernels = Kernels()
    reports: list[Report] = []
    cells = sum(len(code_cells(notebook)) for notebook in notebooks)
    bar = tqdm(total=cells, unit="cell", disable=None, dynamic_ncols=True, desc=f"0/{len(plans)} lessons")
    pool = ThreadPoolExecutor(max_workers=jobs)

    def work(plan: Plan, notebook: Any) -> Report:
        with bar.get_lock():
            tqdm.write(f"{plan.name}: started", file=sys.stdout)
        return make_report(plan, notebook, out, kernels, on_cell=bar.update, places=places)

    with termination_as_interrupt() as received, bar:
        futures: dict[Future, Any] = {}
        try:
            futures = {pool.submit(work, plan, book): book for plan, book in zip(plans, notebooks, strict=True)}
            for future in as_completed(futures):
                reports.append(future.result())
                bar.set_description(f"{len(reports)}/{len(plans)} lessons")
                tqdm.write(reports[-1].lines(), file=sys.stdout)
        except BaseException as error:
            kernels.kill()
            pool.shutdown(wait=True, cancel_futures=True)
            if isinstance(error, KeyboardInterrupt):
                if reports:
                    pages.write_overview(out)
                raise Interrupted(len(reports), received[0] if received else signal.SIGINT) from None
            if isinstance(error, OSError):
                raise ReportError(f"The reports cannot be written to {out}: {error.strerror or error}.") from error
            raise
        pool.shutdown()
    pages.write_overview(out)
    return sorted(reports, key=lambda report: report.run)


def prepare_folder(out: Path, lessons: int) -> Path:
    """Make ``out`` ready for that many reports and return its absolute path, or raise :class:`ReportError`."""
    out = out.absolute()
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        _try_folder(out, lessons)
    except ReportError:
        for folder in missing:  # leave nothing behind that was not there before
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
    for part in out.glob("*.part"):
        if _is_abandoned(part):
            shutil.rmtree(part, ignore_errors=True)
    return out


def _is_abandoned(part: Path) -> bool:
    """Return whether the process that writes ``part``, NAME.PROCESS.part, is gone, its number taken over or not.

    In containers the same number is given to one process after another.
    """
    process = part.name.split(".")[-2]
    if not process.isdigit():
        return False
    try:
        # A second, since the two clocks do not tick alike.
        return part.stat().st_mtime < psutil.Process(int(process)).create_time() - 1
    except psutil.NoSuchProcess:
        return True
    except (OSError, psutil.Error):  # removed meanwhile, or another user's process
        return False


def _try_folder(out: Path, lessons: int) -> None:
    """Make the folder and write something into it, or raise :class:`ReportError`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out) as probe:
            probe.write(b"\0" * 4096)
        free = shutil.disk_usage(out).free
    except FileExistsError as error:
        raise ReportError(f"{out} is a file, not a folder. Name another place with --out.") from error
    except OSError as error:
        raise ReportError(
            f"Nothing can be written to the folder {out}: {error.strerror}. Name another place with --out."
        ) from error
    if free < lessons * SPACE_PER_LESSON:
        raise ReportError(
            f"The disk of {out} has {free / 2**20:.0f} MB left; {lessons} reports need up to "
            f"{lessons * SPACE_PER_LESSON / 2**20:.0f} MB. Free some space, or name another place with --out."
        )


def replace_folder(part: Path, final: Path) -> None:
    """Put the folder ``part`` in the place of ``final``, which may exist."""
    if not final.exists():
        part.rename(final)
        return
    old = part.with_name(f"{final.name}.old.{os.getpid()}.part")
    final.rename(old)
    try:
        part.rename(final)
    except OSError:
        old.rename(final)
        raise
    shutil.rmtree(old, ignore_errors=True)


def make_report(
    plan: Plan,
    notebook: Any,
    out: Path,
    kernels: Kernels,
    *,
    on_cell: Callable[[], Any],
    places: Mapping[str, str],
) -> Report:
    """Execute one lesson in a folder beside its place, write its files there, and put the folder in its place."""
    import nbformat

    from cnn_course.reports import pages
    from cnn_course.reports.thumbnails import thumbnail

    part = out / f"{plan.name}.{os.getpid()}.part"
    part.mkdir()
    try:
        done = execute(
            notebook,
            folder=part,
            environment=kernel_environment(part, plan.profile),
            parameters=plan.parameters,
            on_cell=lambda: on_cell(1),
            kernels=kernels,
        )
        results = read_json(part / "results.json") or {}
        report = _outcome(plan, done, results.get("profile", plan.profile))
        write_json(part / "report.json", asdict(report))
        nbformat.write(done.notebook, part / f"{plan.lesson.name}.ipynb")
        picture = thumbnail(done.notebook)
        if picture:
            (part / pages.THUMBNAIL).write_bytes(picture)
        where = {"places": places, "folder": plan.lesson.path.parent}
        page = pages.lesson_page(done.notebook, asdict(report), results, **where, code=plan.code)
        (part / "index.html").write_text(page, encoding="utf-8")
        replace_folder(part, out / plan.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return report


def _outcome(plan: Plan, done: Execution, profile: str) -> Report:
    status = "passed"
    if done.failure:
        status = "checks failed" if done.failure.error == "CheckFailed" else "failed"
    failure = asdict(done.failure) if done.failure else None
    title, seconds = plan.lesson.title, round(done.seconds, 1)
    return Report(plan.name, plan.lesson.name, title, status, seconds, plan.command(profile), failure)


@contextlib.contextmanager
def termination_as_interrupt() -> Iterator[list[int]]:
    """Let SIGTERM raise ``KeyboardInterrupt`` as SIGINT does; yields the list of the signals that came."""
    received: list[int] = []

    def interrupt(number: int, _: Any) -> None:
        received.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)
