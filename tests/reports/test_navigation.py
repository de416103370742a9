"""The links between lessons: right for the first, a middle and the last one, written once, and followed by reports."""

import nbformat
import pytest
from click.testing import CliRunner
from notebook_files import write_lesson

from cnn_course import cli
from cnn_course.reports import ReportError, catalogue, changed_since_execution, navigation, pages

NAMES = ("00_start", "01_middle", "05_end")


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        write_lesson(tmp_path, name, "print(epochs)")
    return tmp_path


def call(folder, *arguments):
    return CliRunner().invoke(cli.main, ["navigation", "--notebooks", str(folder), *arguments])


def cells(folder, name):
    return nbformat.read(folder / f"{name}.ipynb", as_version=4).cells


def contents_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_lesson_leads_back_on_and_to_the_contents(folder):
    assert call(folder).output == "Links written into 00_start, 01_middle, 05_end.\n"
    middle = "[← 00 Title of 00_start](00_start.ipynb) · [Contents](00_start.ipynb) · "
    middle += "[05 Title of 05_end →](05_end.ipynb)"
    ends = "[← 01 Title of 01_middle](01_middle.ipynb) · [Contents](00_start.ipynb)"
    for name, text in {"01_middle": middle, "05_end": ends}.items():
        found = cells(folder, name)
        assert [cell.id for cell in found] == ["title", "navigation", "parameters", "cell-0", "navigation-end"]
        assert found[1].source == found[-1].source == text
    first = cells(folder, "00_start")
    assert first[1].source.splitlines()[2:] == [
        "- 00 Title of 00_start (this one)",
        "- [01 Title of 01_middle](01_middle.ipynb)",
        "- [05 Title of 05_end](05_end.ipynb)",
    ]
    assert first[-1].source == "[01 Title of 01_middle →](01_middle.ipynb)"


def test_a_second_time_nothing_is_written(folder):
    call(folder)
    written = contents_of(folder)
    assert call(folder).output == "All links are in step.\n"
    assert call(folder, "--check").exit_code == 0
    assert contents_of(folder) == written


def test_what_the_author_wrote_stays_and_the_lesson_counts_as_executed(folder):
    before = {name: cells(folder, name) for name in NAMES}
    call(folder)
    for name in NAMES:
        assert [cell for cell in cells(folder, name) if not cell.id.startswith("navigation")] == before[name]
    entry = catalogue.Lesson(folder / "01_middle.ipynb")
    assert (entry.title, entry.sentence) == ("Title of 01_middle", "It is short.")
    notebook = nbformat.read(entry.path, as_version=4)
    assert set(changed_since_execution(notebook)) == {"parameters", "cell-0"}  # never stored, and no text among them


def test_a_new_lesson_a_new_title_and_a_moved_cell_are_found_and_repaired(folder):
    call(folder)
    write_lesson(folder, "02_new", "print(epochs)")
    refused = call(folder, "--check")
    assert refused.exit_code == 1
    assert "out of step in 00_start, 01_middle, 02_new, 05_end. 'cnn-course navigation' repairs" in refused.output
    assert "navigation" not in (folder / "02_new.ipynb").read_text()
    call(folder)
    assert cells(folder, "02_new")[1].source.startswith("[← 01 Title of 01_middle](01_middle.ipynb)")
    path = folder / "01_middle.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1:3] = notebook.cells[2:0:-1]
    nbformat.write(notebook, path)
    assert "out of step in 01_middle." in call(folder, "--check").output


def test_one_broken_lesson_stops_the_others_from_being_written(folder):
    (folder / "05_end.ipynb").write_text('{"cells": []')
    before = contents_of(folder)
    result = call(folder)
    assert result.exit_code == 1
    assert "05_end.ipynb cannot be read as a notebook" in result.output
    assert contents_of(folder) == before


def test_a_lesson_alone_has_contents_and_no_links(tmp_path):
    write_lesson(tmp_path, "00_alone", "print(epochs)")
    call(tmp_path)
    assert [cell.id for cell in cells(tmp_path, "00_alone")] == ["title", "navigation", "parameters", "cell-0"]


def test_a_lesson_that_cannot_be_written_is_named(folder, monkeypatch):
    def full(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nbformat, "write", full)
    with pytest.raises(ReportError, match=r"00_start\.ipynb cannot be written: No space left"):
        navigation.connect(catalogue.lessons(folder))


def test_a_report_leads_to_the_reports_that_there_are(folder):
    call(folder)
    notebook = nbformat.read(folder / "01_middle.ipynb", as_version=4)
    body, _ = pages.cells_as_html(notebook, places={"00_start.ipynb": "../00_start-seed=1/index.html"})
    assert body.count('<a href="../00_start-seed=1/index.html">← 00 Title of 00_start</a>') == 2
    assert body.count('<a href="../00_start-seed=1/index.html">Contents</a>') == 2
    assert body.count("05 Title of 05_end →") == 2
    assert ".ipynb" not in body
