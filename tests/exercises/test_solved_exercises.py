"""The learner's record: written by right answers alone, never by a report or a test, and never lost to a wrong file."""

import json

import nbformat
import pytest
from notebook_files import write_lesson

from cnn_course import exercises, lesson
from cnn_course.exercises import progress
from cnn_course.exercises.progress import Overview, ProgressError
from cnn_course.reports import authoring, catalogue

ASKED = {"00_a": ("00.1", "00.2"), "01_b": ("01.1",)}


@pytest.fixture
def learner(tmp_path, monkeypatch):
    """A learner at work: not strict, with a folder of their own. Return the path of their record."""
    monkeypatch.setenv("CNN_COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CNN_COURSE_STRICT")
    return progress.progress_file()


def recorded(path):
    return json.loads(path.read_text())["solved"]


def test_a_right_answer_is_recorded_once_and_a_wrong_or_missing_one_not(learner, capsys):
    for answer in (28, ...):
        exercises.check("00.1", answer)
    assert not learner.exists()
    exercises.check("00.1", 64 * 28 * 28)
    first = recorded(learner)
    assert list(first) == ["00.1"]
    learner.write_text(json.dumps({"solved": {"00.1": "long ago", "01.1": "before"}}))
    exercises.check("00.1", 64 * 28 * 28)
    exercises.check("01.2", [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]])
    assert {"00.1": "long ago", "01.1": "before"}.items() < recorded(learner).items()
    assert list(recorded(learner)) == ["00.1", "01.1", "01.2"]
    assert [path.name for path in learner.parent.iterdir()] == ["progress.json"]
    assert "not recorded" not in capsys.readouterr().out


def test_a_strict_run_neither_writes_nor_reads(learner, monkeypatch):
    monkeypatch.setenv("CNN_COURSE_STRICT", "1")
    exercises.check("00.1", 64 * 28 * 28)
    assert not learner.exists()
    learner.parent.mkdir()
    learner.write_text("not read")
    assert progress.solved() == {}


def test_a_report_of_a_solved_notebook_leaves_no_record(learner, tmp_path):
    solved = 'from cnn_course.exercises import check\ncheck("00.1", 64 * 28 * 28)'
    path = write_lesson(tmp_path / "mine", "00_solved", solved)
    authoring.execute_in_place(catalogue.Lesson(path), "quick")
    assert nbformat.read(path, as_version=4).cells[-1].outputs[0].text == "Exercise 00.1: right.\n"
    assert not learner.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "it is not JSON"),
        (b"\xff\xfe\x00", "it is not JSON"),
        ('["00.1"]', "it should hold"),
        ('{"solved": ["00.1"]}', "it should hold"),
        ('{"solved": {"00.1": true}}', "it should hold"),
    ],
)
def test_a_wrong_file_is_a_clear_error_and_stays_as_it_is(learner, content, reason, capsys):
    content = content if isinstance(content, bytes) else content.encode()
    learner.parent.mkdir()
    learner.write_bytes(content)
    with pytest.raises(ProgressError, match=rf"progress\.json cannot be read: {reason}.*delete it to begin anew"):
        progress.solved()
    exercises.check("00.1", 64 * 28 * 28)
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("Exercise 00.1: right. It is not recorded. The record of solved exercises")
    assert learner.read_bytes() == content


def test_a_folder_that_cannot_be_made_names_the_variable(learner, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CNN_COURSE_HOME", str(tmp_path / "file"))
    with pytest.raises(ProgressError, match=r"cannot be written: .* Set the environment variable CNN_COURSE_HOME"):
        progress.record("00.1")


def test_the_users_folders_hold_it_unless_one_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("CNN_COURSE_HOME", "~/course")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert progress.progress_file() == tmp_path / "course" / "progress.json"
    assert lesson.cache_folder() == tmp_path / "course"
    monkeypatch.delenv("CNN_COURSE_HOME")
    assert tmp_path in progress.progress_file().parents
    assert progress.progress_file().parent != lesson.cache_folder()  # a cache may be emptied at any time
    monkeypatch.setattr(lesson, "COLAB_DRIVE", tmp_path / "MyDrive")
    assert lesson.cache_folder() != tmp_path / "MyDrive" / "cnn_course"
    (tmp_path / "MyDrive").mkdir()
    assert lesson.cache_folder() == lesson.learner_folder() == tmp_path / "MyDrive" / "cnn_course"


def test_the_overview_counts_marks_and_names_the_next():
    half = Overview(ASKED, {"00.1": "2026-01-01", "01.1": "2026-01-02", "77.1": "of a lesson that is not here"})
    assert repr(half).splitlines() == [
        "00_a   ✓ 00.1   · 00.2",
        "01_b   ✓ 01.1",
        "2 of 3 exercises solved; the next one is 00.2.",
    ]
    assert "✓ 00.1   · 00.2</td>" in half._repr_html_()
    assert "2 of 3 exercises solved" in half._repr_html_()
    done = Overview(ASKED, dict.fromkeys(("00.1", "00.2", "01.1"), ""))
    assert done.summary == "3 of 3 exercises solved."


def test_the_overview_of_the_course_asks_for_what_the_lessons_check():
    shown = progress.overview()
    assert list(shown.asked) == [entry.name for entry in catalogue.lessons()]
    for name, numbers in shown.asked.items():
        assert numbers == tuple(f"{name[:2]}.{k}" for k in (1, 2, 3))
    assert shown.solved == {}
