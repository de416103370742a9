"""The command line, as somebody at a terminal meets it."""

import subprocess
import sys

import pytest
from click.testing import CliRunner
from notebook_files import write_lesson

from cnn_course import __version__, bundled, cli


def call(*arguments):
    """Return the result of ``cnn-course`` with these arguments, without a new process."""
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def lessons(tmp_path):
    write_lesson(tmp_path / "lessons", "00_good", "print(epochs)")
    write_lesson(tmp_path / "lessons", "01_bad", "undefined_name")
    return tmp_path / "lessons"


def test_importing_the_command_line_loads_nothing_heavy():
    heavy = {"tensorflow", "keras", "papermill", "nbconvert", "nbformat", "matplotlib", "numpy"}
    program = f"import sys, cnn_course.cli; print({heavy!r} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "set()\n"


def test_version_and_list():
    assert __version__ in call("--version").output
    shown = call("list").output
    for path in bundled.folder("notebooks").glob("*.ipynb"):
        assert path.stem in shown


def test_a_run_in_a_process_of_its_own_fails_with_its_lessons(lessons, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "cnn_course.cli", "run", "--notebooks", lessons, "--out", out, "-p", "epochs", "4"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "00_good-epochs=4: passed" in ended.stdout
    assert "    undefined_name\n  NameError: name 'undefined_name' is not defined" in ended.stdout
    assert f"Open {out / 'index.html'}" in ended.stdout
    assert "These did not: 01_bad-epochs=4" in ended.stderr
    assert "\r" not in ended.stderr  # no progress bar where nobody looks at a terminal


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "7"], "There is no lesson '7'. The lessons are 00_good, 01_bad."),
        (["run", "-p", "epoch", "3"], "Lesson 00_good has no parameter 'epoch'. Did you mean 'epochs'?"),
        (["run", "-p", "profile", "slow"], "The profile is 'slow'; it can be 'auto', 'quick' or 'full'."),
        (["run", "--profile", "full", "-p", "profile", "quick"], "give one of them"),
        (["run", "--profile", "slow"], "'slow' is not one of"),
        (["run", "--jobs", "0"], "0 is not in the range"),
        (["run", "--out", __file__], "is a file, not a folder"),
        (["execute", "01"], "01_bad is not stored: cell [2] failed with NameError"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_paragraph(lessons, arguments, message):
    result = call(*arguments, "--notebooks", lessons)
    assert isinstance(result.exception, SystemExit)  # and no traceback
    assert result.exit_code != 0
    assert message in result.output


@pytest.mark.parametrize("command", ["run", "execute"])
def test_a_lesson_that_is_no_notebook_is_named_before_anything_is_written(lessons, tmp_path, command):
    (lessons / "02_broken.ipynb").write_text('{"cells": [')
    out = ["--out", tmp_path / "out"] if command == "run" else []
    result = call(command, "2", "--notebooks", lessons, *out)
    assert result.exit_code == 1
    assert "02_broken.ipynb cannot be read as a notebook" in result.output
    assert isinstance(result.exception, SystemExit)  # and no traceback
    assert not (tmp_path / "out").exists()


def test_copy_brings_the_lessons_and_replaces_none_unasked(tmp_path):
    folder = tmp_path / "mine"
    assert call("copy", folder).exit_code == 0
    names = sorted(path.name for path in bundled.folder("notebooks").glob("*.ipynb"))
    assert sorted(path.name for path in folder.iterdir()) == names
    (folder / names[0]).write_text("my work")
    refused = call("copy", folder)
    assert refused.exit_code == 1
    assert f"already holds {names[0]}" in refused.output
    assert (folder / names[0]).read_text() == "my work"
    assert call("copy", folder, "--force").exit_code == 0
    assert (folder / names[0]).read_text() != "my work"


def test_copy_that_fails_leaves_nothing_half(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be copied to" in call("copy", tmp_path / "file").output
    lesson = next(bundled.folder("notebooks").glob("*.ipynb")).name
    (tmp_path / "mine" / lesson / "in the way").mkdir(parents=True)
    result = call("copy", tmp_path / "mine", "--force")
    assert result.exit_code == 1
    assert "cannot be copied to" in result.output
    assert list((tmp_path / "mine").glob(".*")) == []


def test_progress_shows_what_is_solved_and_where_that_is_noted(lessons, tmp_path, monkeypatch):
    write_lesson(lessons, "02_asks", 'answer = ...\ncheck("02.1", answer)', 'answer = ...\ncheck("02.2", answer)')
    monkeypatch.setenv("CNN_COURSE_HOME", str(tmp_path))
    monkeypatch.delenv("CNN_COURSE_STRICT")
    note = tmp_path / "progress.json"
    note.write_text('{"solved": {"02.1": "2026-01-01T00:00:00+00:00"}}')
    shown = call("progress", "--notebooks", lessons)
    assert shown.exit_code == 0
    assert shown.output.splitlines() == [
        "02_asks   ✓ 02.1   · 02.2",
        "1 of 2 exercises solved; the next one is 02.2.",
        f"They are recorded in {note}",
    ]
    note.write_text("solved: 02.1")
    refused = call("progress", "--notebooks", lessons)
    assert refused.exit_code == 1
    assert f"{note} cannot be read: it is not JSON" in refused.output


def test_execute_stores_only_when_asked(lessons):
    before = (lessons / "00_good.ipynb").read_bytes()
    assert "could be stored" in call("execute", "0", "--notebooks", lessons, "--profile", "quick").output
    assert (lessons / "00_good.ipynb").read_bytes() == before
    assert call("execute", "0", "--notebooks", lessons, "--profile", "quick", "--in-place").exit_code == 0
    assert (lessons / "00_good.ipynb").read_bytes() != before


def test_the_doctor_names_versions_features_and_data_sets():
    result = call("doctor")
    assert result.exit_code == 0
    for word in ("tensorflow", "Keras runs on", "avx512_bf16", "mnist5k", "CNN_COURSE_DATA"):
        assert word in result.output
