"""Cells that a command writes into the lessons, found again by their ids; all other cells stay as they are."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cnn_course.files import replacing
from cnn_course.reports.catalogue import Lesson
from cnn_course.reports.errors import ReportError

if TYPE_CHECKING:
    from nbformat import NotebookNode


def place_of(notebook: "NotebookNode", name: str) -> int | None:
    """Return the place of the cell with the id ``name``, counted from 0, or ``None`` where there is none."""
    return next((place for place, cell in enumerate(notebook.cells) if cell.get("id") == name), None)


def put_text(notebook: "NotebookNode", name: str, text: str, place: int) -> None:
    """Put a text cell with the id ``name`` at ``place``, in exchange for one of that id wherever it stands.

    ``place`` counts the other cells, from 0.
    """
    from nbformat.v4 import new_markdown_cell

    take_out(notebook, name)
    notebook.cells.insert(place, new_markdown_cell(text, id=name))


def take_out(notebook: "NotebookNode", name: str) -> None:
    """Remove the cell with the id ``name``, if there is one."""
    place = place_of(notebook, name)
    if place is not None:
        del notebook.cells[place]


def rewrite(
    lessons: Iterable[Lesson], change: Callable[["NotebookNode", Lesson], None], *, store: bool = True
) -> list[Lesson]:
    """Apply ``change`` to each lesson and return those that it altered; with ``store`` they are written.

    Raises:
        ReportError: A lesson cannot be read, or ``change`` refused it (nothing is written then); or one cannot be
            written.
    """
    import nbformat

    altered = []
    for lesson in lessons:
        notebook = lesson.notebook()
        before = nbformat.writes(notebook)
        change(notebook, lesson)
        if nbformat.writes(notebook) != before:
            altered.append((lesson, notebook))
    if store:
        for lesson, notebook in altered:
            try:
                with replacing(lesson.path) as part:
                    nbformat.write(notebook, part, version=nbformat.NO_CONVERT)
            except OSError as error:
                raise ReportError(f"{lesson.path} cannot be written: {error.strerror or error}.") from error
    return [lesson for lesson, _ in altered]
