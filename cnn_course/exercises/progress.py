"""Which exercises are solved: one small file of the learner's, ``progress.json``, and a table of it.

:func:`cnn_course.exercises.check` records each right answer. A strict run (``$CNN_COURSE_STRICT``), as reports and
tests are, neither writes the file nor reads it: what it shows does not depend on who runs it.
"""

import datetime
import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_course import lesson

if TYPE_CHECKING:
    from cnn_course.reports.catalogue import Lesson


class ProgressError(Exception):
    """The learner's file cannot be read or written; the message is one paragraph that names the remedy."""


@dataclass(frozen=True)
class Overview:
    """The exercises of each lesson, and those that are solved; as text, and in a notebook as a table.

    Attributes:
        asked: The numbers of the exercises of each lesson, by the lesson's name.
        solved: When each solved exercise was solved first, by its number.
    """

    asked: Mapping[str, tuple[str, ...]]
    solved: Mapping[str, str]

    @property
    def open(self) -> list[str]:
        """Return the numbers of the exercises that are not solved yet, in the order of the lessons."""
        return [number for numbers in self.asked.values() for number in numbers if number not in self.solved]

    @property
    def summary(self) -> str:
        """Return one line: how many are solved, and which comes next."""
        total = sum(map(len, self.asked.values()))
        counted = f"{total - len(self.open)} of {total} exercises solved"
        return f"{counted}; the next one is {self.open[0]}." if self.open else f"{counted}."

    def rows(self) -> list[tuple[str, str]]:
        """Return (lesson, its exercises with a mark before those that are solved)."""
        marks = {True: "✓", False: "·"}
        return [
            (name, "   ".join(f"{marks[number in self.solved]} {number}" for number in numbers))
            for name, numbers in self.asked.items()
        ]

    def __repr__(self) -> str:
        width = max((len(name) for name in self.asked), default=0)
        return "\n".join([*(f"{name:<{width}}   {exercises}" for name, exercises in self.rows()), self.summary])

    def _repr_html_(self) -> str:
        left = 'style="text-align:left;white-space:pre"'
        head = f"<tr><th {left}>lesson</th><th {left}>exercises (✓ solved)</th></tr>"
        cells = (f"<tr>{''.join(f'<td {left}>{html.escape(text)}</td>' for text in row)}</tr>" for row in self.rows())
        caption = f"<caption>{html.escape(self.summary)}</caption>"
        return f"<table>{caption}<thead>{head}</thead><tbody>{''.join(cells)}</tbody></table>"


def overview(lessons: "Iterable[Lesson] | None" = None) -> Overview:
    """Return which exercises of ``lessons``, by default of the whole course, are solved.

    Raises:
        ProgressError: The learner's file cannot be read.
        cnn_course.reports.ReportError: A lesson cannot be read.
    """
    from cnn_course.reports import catalogue

    lessons = catalogue.lessons() if lessons is None else lessons
    return Overview({entry.name: entry.exercises for entry in lessons if entry.exercises}, solved())


def progress_file() -> Path:
    """Return the path of the learner's file; see :func:`cnn_course.lesson.learner_folder`."""
    return lesson.learner_folder() / "progress.json"


def solved() -> dict[str, str]:
    """Return when each solved exercise was solved first (ISO 8601, UTC), by number; nothing in a strict run.

    Raises:
        ProgressError: The file is there and cannot be read, or it holds something else.
    """
    return {} if lesson.is_strict() else _read(progress_file())


def record(number: str) -> None:
    """Note that exercise ``number`` is solved, unless that is known or the run is strict.

    Raises:
        ProgressError: The file cannot be written, or one is there that cannot be read; that one stays as it is.
    """
    if lesson.is_strict():
        return
    path = progress_file()
    known = _read(path)
    if number in known:
        return
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lesson.write_json(path, {"solved": dict(sorted((known | {number: now}).items()))})
    except OSError as error:
        raise ProgressError(
            f"The record of solved exercises {path} cannot be written: {error.strerror or error}. Set the environment "
            "variable CNN_COURSE_HOME to a folder that can be written."
        ) from error


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise _unreadable(path, f"it is not JSON ({error})") from error
    entries = content.get("solved") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not all(isinstance(when, str) for when in entries.values()):
        raise _unreadable(path, 'it should hold {"solved": {"00.1": "a date", ...}}')
    return entries


def _unreadable(path: Path, reason: str) -> ProgressError:
    return ProgressError(
        f"The record of solved exercises {path} cannot be read: {reason}. Repair the file, or delete it to begin "
        "anew; nothing is recorded until then."
    )
