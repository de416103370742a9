"""The lessons on Colab: the cell by which each finds the course, and the badge that opens it there.

All lessons start with the same cell. It finds the course, in this order: installed; as a wheel in the working folder or
in Drive; in the repository whose address :func:`stamp` has written into it. pip is told the versions of TensorFlow,
Keras and NumPy that are there as further requirements, so that it either leaves them alone or refuses.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnn_course.reports import generated
from cnn_course.reports.authoring import changed_since_execution, note_as_executed
from cnn_course.reports.catalogue import Lesson
from cnn_course.reports.errors import ReportError

if TYPE_CHECKING:
    from nbformat import NotebookNode

# The ids of the two cells.
BADGE = "colab"
START = "bootstrap"
NO_ADDRESS = "address = None"
FIRST_CELL = f"""\
# On Colab this installs the course. Elsewhere it only starts TensorFlow, without its start-up log.
import subprocess
import sys
from importlib import invalidate_caches, metadata, util
from pathlib import Path

if util.find_spec("cnn_course") is None:
    # Where pip finds the course if no wheel is here; "cnn-course colab" writes it.
    {NO_ADDRESS}
    places = (".", "/content/drive/MyDrive", "/content/drive/MyDrive/Colab Notebooks")
    wheels = [file for place in places for file in Path(place).glob("cnn_course-*.whl")]
    source = str(max(wheels, key=lambda file: file.stat().st_mtime)) if wheels else address
    if source is None:
        raise ModuleNotFoundError(
            "The package cnn_course is not installed. In a checkout run 'make lab'. On Colab put "
            "its wheel ('make wheel') among the session's files or into Drive, and run this again."
        )
    kept = [d for d in metadata.distributions() if d.name in ("keras", "numpy", "tensorflow")]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", source]
    pip += [f"{{d.name}}=={{d.version}}" for d in kept]  # pip leaves these alone, or refuses
    done = subprocess.run(pip, stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError(f"pip could not install {{source}}: {{done.stderr.decode()}}")
    invalidate_caches()

from cnn_course import startup

startup.start_tensorflow_quietly()"""


GITHUB = "https://github.com"
COLAB = "https://colab.research.google.com"


@dataclass(frozen=True)
class Repository:
    """A version of the course on GitHub: ``OWNER/NAME``, and a tag, branch or commit."""

    name: str
    ref: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", self.name):
            raise ReportError(f"The repository is {self.name!r}; it is given as OWNER/NAME, such as ours/cnn-course.")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", self.ref) or ".." in self.ref:
            raise ReportError(f"The version is {self.ref!r}; it is the name of a tag or a branch, such as v1.0.")

    @property
    def archive(self) -> str:
        """Return the address from which pip installs this version."""
        return f"{GITHUB}/{self.name}/archive/{self.ref}.tar.gz"

    def badge(self, lesson: Lesson) -> str:
        """Return the badge in Markdown that opens the lesson on Colab."""
        target = f"{COLAB}/github/{self.name}/blob/{self.ref}/notebooks/{lesson.path.name}"
        return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({target})"


def stamp(lessons: Sequence[Lesson], repository: Repository | None, *, store: bool = True) -> list[Lesson]:
    """Write the first code cell and the badge of ``repository`` into ``lessons``; return those that had others.

    With ``None`` the badge is taken out, and the cell has no address. Without ``store`` nothing is written. A lesson
    that counts as executed does so afterwards: where the course is installed, the cell does what it did before.

    Raises:
        ReportError: A lesson has no cell with the id ``bootstrap``, or cannot be read or written.
    """
    code = first_cell(repository)

    def write(notebook: "NotebookNode", lesson: Lesson) -> None:
        place = generated.place_of(notebook, START)
        if place is None:
            raise ReportError(
                f"{lesson.path} has no cell with the id {START!r}, in which the course is found on Colab. Copy that "
                "cell from another lesson, to the place before the parameters."
            )
        executed = START not in changed_since_execution(notebook)
        notebook.cells[place].source = code
        if executed:
            note_as_executed(notebook, START)
        generated.take_out(notebook, BADGE)
        if repository:
            generated.put_text(notebook, BADGE, repository.badge(lesson), generated.place_of(notebook, START))

    return generated.rewrite(lessons, write, store=store)


def out_of_step(lessons: Sequence[Lesson]) -> list[Lesson]:
    """Return the lessons whose cell or badge is not what it should be, with the address of the first of them in all."""
    code = "\n".join(source for kind, source in lessons[0].cells if kind == "code")
    found = re.search(rf'address = "{GITHUB}/([^/"]+/[^/"]+)/archive/([^"]+)\.tar\.gz"', code)
    return stamp(lessons, Repository(*found.groups()) if found else None, store=False)


def first_cell(repository: Repository | None) -> str:
    """Return the source of the cell that all lessons start with."""
    return FIRST_CELL.replace(NO_ADDRESS, f'address = "{repository.archive}"') if repository else FIRST_CELL
