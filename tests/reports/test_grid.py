"""Grids of reports: a real scheduler with real worker processes, some of which are killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from click.testing import CliRunner
from notebook_files import write_lesson

from cnn_course import cli
from cnn_course.reports import catalogue, pages
from cnn_course.reports.errors import ReportError
from cnn_course.reports.running import read_json

pytest.importorskip("distributed", reason="grids need the extra 'cluster'")
from cnn_course.reports import grid, workers

PARAMETERS = 'profile = "auto"\nepochs = 2\nwidth = 8\nseed = 0'
# It writes by itself what lesson.start would: without TensorFlow a run takes a second.
CHECKED = """
import json, os
metrics = {"accuracy": epochs / 100 + width / 1000, "worker": os.getppid()}  # the kernel's parent is the worker
given = {"epochs": epochs, "width": width, "seed": seed}
with open("results.json", "w") as file:
    json.dump({"lesson": "00_checked", "parameters": given, "metrics": metrics}, file)
"""
# The run with epochs = 2 kills its kernel's worker, as often as a file says.
KILLING = """
import os, pathlib, signal, time
place = pathlib.Path({place!r})
left = int(place.read_text())
if epochs == 2 and left:
    place.write_text(str(left - 1))
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
"""


@pytest.fixture
def lesson(tmp_path):
    write_lesson(tmp_path / "lessons", "00_checked", CHECKED, parameters=PARAMETERS)
    return catalogue.lessons(tmp_path / "lessons")[0]


def killing_lesson(tmp_path, strikes):
    place = tmp_path / "strikes"
    place.write_text(str(strikes))
    source = KILLING.format(place=str(place))
    write_lesson(tmp_path / "lessons", "00_checked", source, CHECKED, parameters=PARAMETERS)
    return catalogue.lessons(tmp_path / "lessons")[0], place


def call(*arguments):
    return CliRunner().invoke(cli.main, ["grid", *map(str, arguments)])


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1", [1]),
        ("1, 2.5,mnist5k,true", [1, 2.5, "mnist5k", True]),
        ("[8, 16],[8]", [[8, 16], [8]]),
        ("'a,b',c", ["a,b", "c"]),
    ],
)
def test_values_are_read_with_commas_between_them(text, values):
    assert grid.values_of(text) == values


@pytest.mark.parametrize("text", ["", "1,,2", "1,2,"])
def test_a_list_with_a_hole_is_refused(text):
    with pytest.raises(ReportError, match="is not a list of values"):
        grid.values_of(text)


def test_every_combination_is_planned_once(lesson):
    plans = grid.plans(lesson, "quick", {"epochs": [1, 2], "width": [8, 16, 32]})
    assert [tuple(plan.parameters.values()) for plan in plans] == [(e, w) for e in (1, 2) for w in (8, 16, 32)]
    assert len({plan.name for plan in plans}) == 6
    with pytest.raises(ReportError, match="Did you mean 'epochs'"):
        grid.plans(lesson, "quick", {"epoch": [1]})
    with pytest.raises(ReportError, match=r"same folder, 00_checked-quick-epochs=1\. Give every value once"):
        grid.plans(lesson, "quick", {"epochs": [1, 1]})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([("epochs", "1"), ("epochs", "2")], "epochs is given more than once"),
        ([("profile", "quick,full")], "give it as --profile"),
    ],
)
def test_what_is_no_grid_is_refused(given, message):
    with pytest.raises(ReportError, match=message):
        grid.values_by_name(given)


def test_a_grid_makes_all_reports_and_one_comparison_and_repeats_nothing(lesson, tmp_path, monkeypatch):
    out = tmp_path / "out"
    words = ["0", "-p", "epochs", "1,2", "-p", "width", "8,16", "--profile", "quick", "--jobs", 2, "--out", out]
    words += ["--notebooks", lesson.path.parent]
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert "00_checked-quick-epochs=1-width=8: passed" in result.output
    assert f"Open {out / 'comparison' / 'index.html'}" in result.output
    table = [line.split() for line in result.output.splitlines() if line[:1].isdigit() and "seeds" not in line]
    assert [row[:4] for row in table if len(row) >= 4 and row[0] in "12"] == [
        ["1", "8", "1", "0.018"],
        ["1", "16", "1", "0.026"],
        ["2", "8", "1", "0.028"],
        ["2", "16", "1", "0.036"],
    ]
    for page in (out / "comparison" / "index.html", out / "index.html"):
        assert pages.external_references(page.read_text()) == []
    assert sorted(path.name for path in out.glob("00_*")) == [
        f"00_checked-quick-epochs={e}-width={w}" for e in (1, 2) for w in (16, 8)
    ]
    assert "cnn-course run 00_checked --profile quick -p epochs 1" in next(out.glob("00_*/index.html")).read_text()
    report = json.loads((out / "00_checked-quick-epochs=1-width=8" / "report.json").read_text())
    assert report["command"].endswith(f"-p epochs 1 -p width 8 --notebooks {lesson.path.parent}")
    assert not list(out.glob("*.part"))

    monkeypatch.setattr(workers, "connected", None)  # no run can be made
    notebook = json.loads(lesson.path.read_text())
    notebook["cells"][-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "old"}]
    lesson.path.write_text(json.dumps(notebook))
    again = call(*words)
    assert again.exit_code == 0
    assert "4 of 4 runs are finished already, and kept." in again.output

    notebook["cells"][-1]["source"] += "\n# changed"
    lesson.path.write_text(json.dumps(notebook))
    assert isinstance(call(*words).exception, TypeError)  # it would make them anew


def test_the_runs_of_a_lost_worker_are_repeated(tmp_path, capsys):
    lesson, place = killing_lesson(tmp_path, strikes=1)
    made = grid.run(grid.plans(lesson, "quick", {"epochs": [1, 2]}), tmp_path / "out", jobs=2)
    assert [report.status for report in made.reports] == ["passed"] * 2
    assert made.given_up == {}
    assert place.read_text() == "0"
    assert "A worker was lost" in capsys.readouterr().out


def test_a_run_that_a_lost_worker_had_finished_is_not_repeated(tmp_path, capsys):
    place, made_file = tmp_path / "strikes", tmp_path / "made"
    place.write_text("1")
    # One worker: it finishes epochs = 1 and is lost in epochs = 2, after what it had finished was fetched.
    counting = f"import time\nopen({str(made_file)!r}, 'a').write(f'{{epochs}} ')\ntime.sleep(2 if epochs == 2 else 0)"
    source = KILLING.format(place=str(place))
    write_lesson(tmp_path / "lessons", "00_checked", counting, source, CHECKED, parameters=PARAMETERS)
    lesson = catalogue.lessons(tmp_path / "lessons")[0]
    made = grid.run(grid.plans(lesson, "quick", {"epochs": [1, 2, 3]}), tmp_path / "out")
    time.sleep(2)  # what a scheduler does unasked takes a while to be seen
    assert [report.status for report in made.reports] == ["passed"] * 3
    assert "A worker was lost" in capsys.readouterr().out
    assert made_file.read_text().split() == ["1", "2", "2", "3"]


def test_a_run_that_costs_every_worker_is_given_up_and_the_others_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "LOST_WORKERS", 1)
    lesson, place = killing_lesson(tmp_path, strikes=99)
    made = grid.run(grid.plans(lesson, "quick", {"epochs": [1, 2]}), tmp_path / "out")
    assert [report.run for report in made.reports] == ["00_checked-quick-epochs=1"]
    assert "2 workers were lost under it" in made.given_up["00_checked-quick-epochs=2"]
    assert place.read_text() == "97"


def test_an_existing_cluster_does_the_work_and_what_is_finished_is_kept_when_its_scheduler_is_lost(tmp_path):
    started, file, out = tmp_path / "started", tmp_path / "scheduler.json", tmp_path / "out"
    slow = f"import time\nif epochs == 2:\n    open({str(started)!r}, 'w').close()\n    time.sleep(600)"
    write_lesson(tmp_path / "lessons", "00_checked", slow, CHECKED, parameters=PARAMETERS)
    plans = grid.plans(catalogue.lessons(tmp_path / "lessons")[0], "quick", {"epochs": [1, 2]})
    place = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    commands = ["scheduler", "--port", "0", *place], ["worker", "--no-nanny", "--nthreads", "1", *place]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    scheduler, worker = (subprocess.Popen([sys.executable, "-m", "dask", *words], **quiet) for words in commands)

    def kill_in_the_middle():
        wait_for(started.exists)
        scheduler.kill()

    try:
        wait_for(lambda: read_json(file))
        address = read_json(file)["address"]
        grid.run(plans[:1], out, scheduler=address)
        assert read_json(out / plans[0].name / "results.json")["metrics"]["worker"] == worker.pid
        assert (scheduler.poll(), worker.poll()) == (None, None)  # they are not the grid's to end
        threading.Thread(target=kill_in_the_middle, daemon=True).start()
        with pytest.raises(ReportError, match=r"The scheduler is lost, .* goes on with what is missing"):
            grid.run(plans, out, scheduler=address)
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()
    assert sorted(path.name for path in out.iterdir()) == [plans[0].name, "index.html"]


def test_a_scheduler_that_does_not_answer_is_one_clear_paragraph(lesson, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 1)
    with pytest.raises(ReportError, match=r"No scheduler with workers answers at tcp://127\.0\.0\.1:9"):
        grid.run(grid.plans(lesson, "quick", {"epochs": [1]}), tmp_path / "out", scheduler="tcp://127.0.0.1:9")


def test_without_dask_the_message_says_what_to_install(lesson, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = call("0", "-p", "epochs", "1,2", "--notebooks", lesson.path.parent, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "pip install 'cnn-course[cluster]'" in result.output


def test_nothing_listens_beyond_this_machine_and_threads_are_not_limited():
    with workers.connected(None, 1) as client:
        threads = client.run(os.getenv, "OMP_NUM_THREADS")
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        places = {
            connection.laddr.ip
            for process in family
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }
    assert places == {"127.0.0.1"}
    assert set(threads.values()) == {os.getenv("OMP_NUM_THREADS")}


def test_a_failed_run_and_a_failed_check_are_shown_and_the_command_fails_again(tmp_path, monkeypatch):
    failing = "class CheckFailed(AssertionError):\n    pass\nif epochs == 2:\n    raise CheckFailed('too low')"
    write_lesson(tmp_path / "lessons", "00_checked", "1 / (epochs - 1)", CHECKED, failing, parameters=PARAMETERS)
    words = ["0", "--out", tmp_path / "out", "--notebooks", tmp_path / "lessons", "-p", "epochs"]
    result = call(*words, "1,2,3")
    assert result.exit_code == 1
    assert "ZeroDivisionError" in result.output
    assert "These did not pass: 00_checked-epochs=1, 00_checked-epochs=2." in result.output
    assert (tmp_path / "out" / "comparison" / "index.html").exists()

    monkeypatch.setattr(workers, "connected", None)  # no run can be made
    kept = call(*words, "2,3")
    assert kept.exit_code == 1
    assert "These did not pass: 00_checked-epochs=2." in kept.output
    assert isinstance(call(*words, "1,2").exception, TypeError)  # what failed is tried again
    monkeypatch.setenv("CNN_COURSE_PROFILE", "full")
    assert isinstance(call(*words, "2,3").exception, TypeError)  # "auto" means something else now


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_stopped_grid_keeps_what_is_finished_and_leaves_no_kernel(tmp_path):
    slow = "import os, time\nif epochs == 2:\n    open({!r}, 'w').write(str(os.getpid()))\n    time.sleep(600)"
    started = tmp_path / "started"
    write_lesson(tmp_path / "lessons", "00_checked", slow.format(str(started)), CHECKED, parameters=PARAMETERS)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "cnn_course.cli", "grid", "0", "-p", "epochs", "1,2,3", "-p", "width", "8"]
    command += ["--notebooks", tmp_path / "lessons", "--out", out]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, start_new_session=True, **pipes)
    signal.signal(signal.SIGINT, before)
    try:
        wait_for(lambda: started.exists() and started.read_text())
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C at a terminal does: the workers get it as well
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGINT
    assert "The same command goes on from there." in errors
    assert "Traceback" not in errors
    assert sorted(path.name for path in out.iterdir()) == ["00_checked-epochs=1-width=8", "index.html"]
    kernel = int(started.read_text())
    wait_for(lambda: not psutil.pid_exists(kernel) or psutil.Process(kernel).status() == psutil.STATUS_ZOMBIE)


def wait_for(condition, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")
