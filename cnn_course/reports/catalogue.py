"""The lessons that can be run: their titles, their questions, their parameters."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_course import bundled
from cnn_course.reports.errors import ReportError

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class Lesson:
    """One lesson: a notebook whose name begins with its number, such as ``02_mnist.ipynb``."""

    path: Path

    @property
    def name(self) -> str:
        """Return the notebook's name without its ending."""
        return self.path.stem

    @property
    def number(self) -> str:
        """Return the digits that the name begins with, or the empty string."""
        return re.match(r"\d*", self.name)[0]

    @property
    def title(self) -> str:
        """Return the text of the first heading, or the name where there is none."""
        found = re.search(r"^# +(.+)$", self._introduction, flags=re.MULTILINE)
        return found[1].strip() if found else self.name

    @property
    def sentence(self) -> str:
        """Return the first sentence below the title, without Markdown's marks."""
        below = re.split(r"^# .+$", self._introduction, maxsplit=1, flags=re.MULTILINE)[-1]
        paragraph = " ".join(below.strip().split("\n\n")[0].split())
        return re.sub(r"[*_`]{1,2}(\S.*?)[*_`]{1,2}", r"\1", re.split(r"(?<=[.?!]) ", paragraph)[0])

    @property
    def exercises(self) -> tuple[str, ...]:
        """Return the numbers of the exercises that the lesson's cells check, in their order."""
        code = "\n".join(source for kind, source in self.cells if kind == "code")
        return tuple(dict.fromkeys(re.findall(r"""^check\(["'](\d+\.\d+)["']""", code, flags=re.MULTILINE)))

    @property
    def _introduction(self) -> str:
        return next((source for kind, source in self.cells if kind == "markdown"), "")

    @cached_property
    def cells(self) -> list[tuple[str, str]]:
        """Return the kind ("code", "markdown", "raw") and the source of each cell.

        Raises:
            ReportError: The file is not there, or it is no notebook.
        """
        try:
            cells = json.loads(self.path.read_text(encoding="utf-8"))["cells"]
            return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._unreadable(error) from error

    def notebook(self) -> "NotebookNode":
        """Return the whole notebook; unlike :attr:`cells` this needs nbformat, whose import takes a moment.

        Raises:
            ReportError: The file is not there, or it is no notebook.
        """
        import nbformat

        invalid: dict[str, Exception] = {}
        try:
            notebook = nbformat.read(self.path, as_version=4, capture_validation_error=invalid)
        # What nbformat raises for JSON that is no notebook depends on how far it comes.
        except (OSError, ValueError, LookupError, AttributeError, TypeError, nbformat.ValidationError) as error:
            raise self._unreadable(error) from error
        if invalid:
            raise self._unreadable(invalid["ValidationError"])
        return notebook

    def _unreadable(self, error: Exception) -> ReportError:
        reason = (str(error).strip().splitlines() or ["no reason is given"])[0]
        return ReportError(f"{self.path} cannot be read as a notebook: {type(error).__name__}: {reason}")


def lessons(folder: Path | None = None) -> list[Lesson]:
    """Return the lessons in ``folder``, by default those that came with the course, in the order of their names."""
    folder = folder or bundled.folder("notebooks")
    found = [Lesson(path) for path in sorted(folder.glob("*.ipynb"))]
    if not found:
        raise ReportError(f"There are no lessons (files that end in .ipynb) in {folder}.")
    return found


def choose(wanted: Sequence[str], known: Sequence[Lesson]) -> list[Lesson]:
    """Return the lessons that ``wanted`` names by number ("2", "02") or name; all of them when it is empty.

    Raises:
        ReportError: A word names no lesson, or a number several. The message lists them.
    """
    if not wanted:
        return list(known)
    by_name = {lesson.name: lesson for lesson in known}
    chosen = {}
    for word in wanted:
        lesson = by_name.get(word.removesuffix(".ipynb")) or _by_number(word, known)
        if lesson is None:
            near = difflib.get_close_matches(word, by_name, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ReportError(f"There is no lesson {word!r}.{hint} The lessons are {', '.join(by_name)}.")
        chosen[lesson.name] = lesson
    return [chosen[name] for name in sorted(chosen)]


def _by_number(word: str, known: Sequence[Lesson]) -> Lesson | None:
    """Return the lesson whose number is written in ``word``, however many zeros stand before it."""
    found = [lesson for lesson in known if word.isdecimal() and lesson.number and int(lesson.number) == int(word)]
    if len(found) > 1:
        names = ", ".join(lesson.name for lesson in found)
        raise ReportError(f"Several lessons have the number {word}: {names}. Give the name of one.")
    return found[0] if found else None


def parameters_of(lesson: Lesson) -> dict[str, Any]:
    """Return the parameters that the lesson's tagged cell declares, each with its literal there as text."""
    import papermill

    notebook = lesson.notebook()
    notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    declared = papermill.inspect_notebook(notebook)
    return {name: entry["default"] for name, entry in declared.items()}


def refuse_unknown(parameters: Iterable[str], lesson: Lesson) -> None:
    """Raise :class:`ReportError` for a parameter that the lesson does not have, with the nearest and all known ones."""
    known = list(parameters_of(lesson))
    for name in parameters:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ReportError(
                f"Lesson {lesson.name} has no parameter {name!r}.{hint} Its parameters are {', '.join(known)}."
            )


def as_arguments(parameters: Mapping[str, Any]) -> str:
    """Return the parameters as they are typed on the command line: ``-p epochs 3 -p dataset mnist``."""
    import shlex

    return " ".join(f"-p {name} {shlex.quote(_as_typed(value))}" for name, value in parameters.items())


def _as_typed(value: Any) -> str:
    if isinstance(value, str) and literal(value) == value:
        return value
    try:
        return json.dumps(value)
    except TypeError:  # a set, bytes, a complex number: what only Python can write
        return repr(value)


def literal(text: str) -> Any:
    """Return the value that ``text`` writes in JSON or Python (``3``, ``0.5``, ``true``, ``[1, 2]``), else the text.

    >>> literal("3"), literal("1e-3"), literal("True"), literal("none"), literal("mnist5k")
    (3, 0.001, True, None, 'mnist5k')
    """
    import ast

    words = {"true": True, "false": False, "null": None, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError):
            continue
    return text
