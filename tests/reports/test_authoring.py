"""Stored lessons: executed from top to bottom, clean, and found out when they were edited afterwards."""

from pathlib import Path

import nbformat
import pytest
from notebook_files import write_lesson

from cnn_course.reports import authoring
from cnn_course.reports.catalogue import Lesson
from cnn_course.reports.errors import ReportError


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = write_lesson(tmp_path_factory.mktemp("stored"), "00_short", "a = 2", "print(a)", tags=["nbval-check-output"])
    authoring.execute_in_place(Lesson(path), "quick")
    return path


@pytest.fixture
def notebook(stored):
    return nbformat.read(stored, as_version=4)


def test_a_stored_lesson_holds_its_outputs_and_no_trace_of_the_run(stored, notebook):
    last = notebook.cells[-1]
    assert last.outputs[0].text == "2\n"
    assert last.metadata == {"tags": ["nbval-check-output"]}
    assert [cell.id for cell in notebook.cells] == ["title", "parameters", "cell-0", "cell-1"]
    assert set(notebook.metadata) == {"kernelspec", "language_info", authoring.STAMP}
    assert "version" not in notebook.metadata.language_info
    assert [path.name for path in stored.parent.iterdir()] == ["00_short.ipynb"]


def test_an_untouched_lesson_is_as_it_was_executed(notebook):
    assert authoring.changed_since_execution(notebook) == []


def edit(notebook):
    notebook.cells[2].source = "a = 3"


def add(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell("b = 1", id="new"))


def remove(notebook):
    del notebook.cells[2]


def move(notebook):
    notebook.cells[2:] = reversed(notebook.cells[2:])


def rerun(notebook):
    notebook.cells[3].execution_count = 7


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (edit, {"cell-0"}),
        (add, {"new"}),
        (remove, {"cell-0", "cell-1"}),
        (move, {"cell-0", "cell-1"}),
        (rerun, {"cell-1"}),
    ],
)
def test_a_change_after_the_run_is_found(notebook, change, names):
    change(notebook)
    assert set(authoring.changed_since_execution(notebook)) == names


def test_text_may_be_edited_without_a_new_run(notebook):
    notebook.cells[0].source += "\n\nAnother sentence."
    assert authoring.changed_since_execution(notebook) == []


def test_a_path_of_windows_is_found_although_json_doubles_its_backslashes():
    path = r"C:\Users\me"
    output = nbformat.v4.new_output("stream", name="stdout", text=rf"saved to {path}\weights.npz")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("save()", outputs=[output])])
    with pytest.raises(ReportError, match="shows the path"):
        authoring.refuse_paths(notebook, Lesson(Path("00_short.ipynb")), (path,))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 / 0", r"is not stored: cell \[2\] failed with ZeroDivisionError: division by zero"),
        ("from pathlib import Path\nPath.home()", r"the output of cell \[2\] \(cell-0\) shows the path"),
    ],
)
def test_what_failed_or_shows_a_path_is_not_stored(tmp_path, source, message):
    path = write_lesson(tmp_path, "00_short", source)
    before = path.read_bytes()
    with pytest.raises(ReportError, match=message):
        authoring.execute_in_place(Lesson(path), "quick")
    assert path.read_bytes() == before
