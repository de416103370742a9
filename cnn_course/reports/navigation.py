"""The way from lesson to lesson: previous, contents and next, in a cell below the title and in one at the end.

The links are relative, so that they lead on in a folder, in JupyterLab and in a repository's view; in the reports they
become links between reports (:class:`cnn_course.reports.pages.LessonRenderer`). The contents stand in the first lesson.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnn_course.reports import generated
from cnn_course.reports.catalogue import Lesson

if TYPE_CHECKING:
    from nbformat import NotebookNode

# The ids of the two cells.
TOP = "navigation"
BOTTOM = "navigation-end"


def connect(lessons: Sequence[Lesson], *, store: bool = True) -> list[Lesson]:
    """Write the links into ``lessons``, which stand in their order, and return those that had others or none.

    Without ``store`` nothing is written. Raises :class:`cnn_course.reports.ReportError` where one cannot be read or
    written.
    """

    def write_links(notebook: "NotebookNode", lesson: Lesson) -> None:
        links = line(lesson, lessons)
        generated.put_text(notebook, TOP, contents(lessons) if lesson == lessons[0] else links, 1)
        generated.take_out(notebook, BOTTOM)
        if links:
            generated.put_text(notebook, BOTTOM, links, len(notebook.cells))

    return generated.rewrite(lessons, write_links, store=store)


def line(lesson: Lesson, lessons: Sequence[Lesson]) -> str:
    """Return the links of one lesson in Markdown: the one before, the contents, the one after."""
    place = lessons.index(lesson)
    links = []
    if place > 0:
        links += [link(lessons[place - 1], f"← {label(lessons[place - 1])}"), link(lessons[0], "Contents")]
    if place + 1 < len(lessons):
        links.append(link(lessons[place + 1], f"{label(lessons[place + 1])} →"))
    return " · ".join(links)


def contents(lessons: Sequence[Lesson]) -> str:
    """Return the list of the lessons in Markdown, each a link; the first is the one that it stands in."""
    first, *others = lessons
    entries = [f"- {label(first)} (this one)", *(f"- {link(lesson, label(lesson))}" for lesson in others)]
    return "\n".join(["**Contents.** The lessons of the course:", "", *entries])


def label(lesson: Lesson) -> str:
    """Return number and title, such as "02 Reading handwritten digits"."""
    return f"{lesson.number} {lesson.title}"


def link(lesson: Lesson, text: str) -> str:
    """Return a link to the lesson's notebook in the same folder."""
    return f"[{text}]({lesson.path.name})"
