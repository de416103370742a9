"""Runs: real kernels, real files; what is finished is whole, and what is stopped leaves nothing."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from click.testing import CliRunner
from notebook_files import write_lesson

from cnn_course import cli
from cnn_course.reports import catalogue, pages, running
from cnn_course.reports.errors import ReportError

SURROUNDINGS = """
import json, os, sys
course = {name: value for name, value in os.environ.items() if name.startswith("CNN_COURSE")}
print(json.dumps({"python": sys.executable, "here": os.getcwd(), "epochs": epochs, **course}))
"""
CHECKED = """
from cnn_course import lesson
run = lesson.start("00_checked", globals(), quick={"epochs": 2}, full={"epochs": 9})
import numpy
run.record(accuracy=0.75, curve=[1, 2], drawn=numpy.random.random())
run.check("three quarters are right", 0.75, at_least=0.5)
run.finish()
"""
SLOW = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open("started", "w") as file:
    file.write(str(child.pid))
time.sleep(600)
"""


def plans(folder, profile="quick", **parameters):
    return [running.Plan(lesson, profile, parameters, notebooks=folder) for lesson in catalogue.lessons(folder)]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Run four lessons, two at a time: one has checks, one fails, one dies, one raises on purpose."""
    folder = tmp_path_factory.mktemp("run")
    lessons, out = folder / "lessons", folder / "a {strange} place"
    write_lesson(lessons, "00_checked", CHECKED, parameters='profile = "auto"\nepochs = None\nseed = 0')
    write_lesson(lessons, "01_fails", SURROUNDINGS, "value = 1\nvalue / 0", "print('never')")
    write_lesson(lessons, "02_dies", "import os", "os._exit(3)")
    write_lesson(lessons, "03_raises", "int('x')", tags=["raises-exception"])
    reports = running.run(plans(lessons, epochs=5), out, jobs=2)
    return {report.lesson: report for report in reports}, out


def test_each_lesson_ends_as_it_should(done):
    reports, _ = done
    assert {name: report.status for name, report in reports.items()} == {
        "00_checked": "passed",
        "01_fails": "failed",
        "02_dies": "failed",
        "03_raises": "passed",
    }


def test_a_kernel_has_its_own_surroundings_and_is_this_python(done):
    _, out = done
    notebook = nbformat.read(out / "01_fails-quick-epochs=5" / "01_fails.ipynb", as_version=4)
    seen = json.loads(notebook.cells[3].outputs[0].text)
    assert seen["python"] == sys.executable
    assert seen["epochs"] == 5
    assert seen["CNN_COURSE_PROFILE"] == "quick"
    assert seen["CNN_COURSE_STRICT"] == "1"
    assert seen["here"] == seen["CNN_COURSE_RUN"]
    assert Path(seen["here"]).parent == out


def test_a_failure_shows_its_cell_source_and_error(done):
    reports, out = done
    text = reports["01_fails"].lines()
    assert "in cell [4]\n    value = 1\n    value / 0\n  ZeroDivisionError: division by zero" in text
    index = (out / "index.html").read_text()
    assert "value / 0" in index
    assert "#cell-4" in index
    page = (out / "01_fails-quick-epochs=5" / "index.html").read_text()
    assert 'id="cell-4"' in page
    assert "never" in page  # the cells after it are shown, not run


def test_a_kernel_that_dies_is_a_failure_of_its_cell(done):
    failure = done[0]["02_dies"].failure
    assert (failure["cell"], failure["source"], failure["error"]) == (4, "os._exit(3)", "KernelLost")
    assert "memory" in failure["message"]


def test_a_passed_run_has_its_results_and_a_page_that_loads_nothing(done):
    _, out = done
    folder = out / "00_checked-quick-epochs=5"
    assert json.loads((folder / "results.json").read_text())["metrics"]["accuracy"] == 0.75
    for page in (folder / "index.html", out / "index.html"):
        text = page.read_text()
        assert pages.external_references(text) == []
        assert "three quarters are right" in text
    assert "cnn-course run 00_checked --profile quick -p epochs 5" in (folder / "index.html").read_text()


def test_the_command_of_a_report_repeats_it_with_the_same_numbers(done, tmp_path):
    _, out = done
    folder = out / "00_checked-quick-epochs=5"
    program, *arguments = shlex.split(json.loads((folder / "report.json").read_text())["command"])
    assert program == "cnn-course"
    assert CliRunner().invoke(cli.main, [*arguments, "--out", str(tmp_path)]).exit_code == 0
    first, again = (json.loads((place / folder.name / "results.json").read_text()) for place in (out, tmp_path))
    for part in ("parameters", "metrics", "checks", "data"):
        assert first[part] == again[part]


def test_the_command_names_the_profile_that_auto_came_to_and_what_else_was_asked():
    lesson = catalogue.lessons()[0]
    plan = running.Plan(lesson, "auto", {"seed": 3}, code=False, notebooks=Path("my lessons"))
    options = "--profile full -p seed 3 --no-code --notebooks 'my lessons'"
    assert plan.command("full") == f"cnn-course run {lesson.name} {options}"


def test_nothing_else_is_left_in_the_folder_or_the_notebook(done):
    _, out = done
    assert [path.name for path in out.iterdir() if path.suffix == ".part"] == []
    notebook = nbformat.read(out / "01_fails-quick-epochs=5" / "01_fails.ipynb", as_version=4)
    assert [cell.id for cell in notebook.cells if "papermill" in json.dumps(cell.metadata)] == []
    assert notebook.cells[0].source.startswith("# Title")


def test_an_unknown_parameter_is_refused_before_anything_is_made(tmp_path):
    write_lesson(tmp_path / "lessons", "00_quick", "print(1)")
    with pytest.raises(ReportError, match="no parameter 'epoch'"):
        running.run(plans(tmp_path / "lessons", epoch=1), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_hold_reports_is_refused_with_the_reason(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="is a file, not a folder"):
        running.prepare_folder(tmp_path / "file", 1)
    with pytest.raises(ReportError, match=r"Nothing can be written to the folder .* Name another place"):
        running.prepare_folder(tmp_path / "file" / "below", 1)
    monkeypatch.setattr(running, "SPACE_PER_LESSON", 2**60)
    with pytest.raises(ReportError, match=r"MB left; 4 reports need up to .* Free some space"):
        running.prepare_folder(tmp_path / "new" / "reports", 4)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ReportError, match="Permission denied"):
        running.prepare_folder(tmp_path, 1)
    tmp_path.chmod(0o700)


def test_what_a_killed_run_left_is_removed_and_what_a_living_one_makes_is_kept(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for process in (gone.pid, os.getpid()):
        (tmp_path / f"02_mnist.{process}.part").mkdir()
    running.prepare_folder(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == [f"02_mnist.{os.getpid()}.part"]


def test_what_an_earlier_process_with_the_same_number_left_is_removed(tmp_path):
    left = tmp_path / f"02_mnist.{os.getpid()}.part"
    left.mkdir()
    began = psutil.Process().create_time()
    os.utime(left, (began - 60, began - 60))
    running.prepare_folder(tmp_path, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_new_report_takes_the_place_of_the_old_one(tmp_path):
    for name in ("new.part", "final"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text("")
    running.replace_folder(tmp_path / "new.part", tmp_path / "final")
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["final", "final/new.part"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_keeps_what_is_finished_and_nothing_half(tmp_path, number):
    write_lesson(tmp_path / "lessons", "00_quick", "print('done')")
    write_lesson(tmp_path / "lessons", "01_slow", SLOW)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "cnn_course.cli", "run", "--notebooks", tmp_path / "lessons", "--out", out]
    # Where these tests run in the background of a shell, Ctrl-C is ignored, and a child would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    try:
        started = _wait_for(
            lambda: next((path for path in out.glob("01_slow.*.part/started") if path.read_text()), None)
        )
        child = int(started.read_text())
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert "Stopped" in errors
    assert "Traceback" not in errors
    assert sorted(path.name for path in out.iterdir()) == ["00_quick", "index.html"]
    assert _wait_for(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of POSIX")
def test_a_disk_that_fills_up_is_one_clear_paragraph(tmp_path):
    write_lesson(tmp_path / "lessons", "00_large", "print('x' * 300_000)")
    out = tmp_path / "out"
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); "
        "sys.argv[0] = 'cnn-course'; from cnn_course.cli import main; main()"
    )
    command = [sys.executable, "-c", program, "run", "--notebooks", tmp_path / "lessons", "--out", out]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "Error: The reports cannot be written to" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(out.iterdir()) == []


def _wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")
