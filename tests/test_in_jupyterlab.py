"""Two lessons as a new user works through them: opened in JupyterLab in a browser, run, and an exercise solved."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cnn_course import bundled, cli, exercises
from cnn_course.reports import catalogue

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")

PATIENCE = 180_000  # milliseconds for one step of the user, on a machine that has other things to do
LESSON_PATIENCE = 1_800_000  # the same for all cells of a lesson
WINDOW = {"width": 1400, "height": 1000}
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # otherwise cells out of sight may not be in the page
    "apputils-extension/notification": {"fetchNews": "false"},  # otherwise a question lies over the notebook
}
# The lessons that take least, and a wrong answer to the first exercise of each with what is said about it.
WRONG = {
    "00_start_here": ("answer = 28 * 28", "not yet. That is one image; the batch has 64."),
    "01_convolution_and_pooling": ("answer = (1, 109, 109, 64)", 'not yet. 109 is the size with padding "valid".'),
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, the token that it asks for, and the folder of the course's files."""

    address: str
    token: str
    course: Path

    def progress(self):
        """Return what ``cnn-course progress`` tells the learner who works in this JupyterLab."""
        learner = {"CNN_COURSE_HOME": str(self.course), "CNN_COURSE_STRICT": None}
        return CliRunner().invoke(cli.main, ["progress"], env=learner, catch_exceptions=False).output


@dataclass(frozen=True)
class Opened:
    """A lesson that was opened and run."""

    name: str
    page: Any
    notebook: Any


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start JupyterLab on a copy of the lessons, in a home of its own: nothing of the user's is read or written."""
    home = tmp_path_factory.mktemp("home")
    lessons = shutil.copytree(bundled.folder("notebooks"), home / "lessons")
    for name, values in SETTINGS.items():
        file = home / ".jupyter" / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))
    leading_elsewhere = ("CNN_COURSE_", "IPYTHON", "JUPYTER", "XDG_")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(leading_elsewhere)}
    variables |= {"HOME": str(home), "CNN_COURSE_HOME": str(home / "course"), "CNN_COURSE_PROFILE": "quick"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]  # free a moment ago, and by all likelihood still
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command.append(f"--notebook-dir={lessons}")
    server = subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True)
    try:
        said = []
        for line in server.stderr:
            said.append(line)
            if found := re.search(r"(http://127\.0\.0\.1:\d+/lab)\?token=(\w+)", line):
                break
        else:
            pytest.fail(f"JupyterLab did not start:\n{''.join(said)}")
        # It writes on as long as it runs, and would stand still if nobody read that.
        threading.Thread(target=server.stderr.read, daemon=True).start()
        yield Lab(*found.groups(), home / "course")
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module", params=WRONG)
def lesson(request, browser, lab):
    """Open a lesson, run all its cells from the menu, and wait until none is left to run."""
    expect.set_options(timeout=PATIENCE)
    with browser.new_context(viewport=WINDOW) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        # A workspace of its own, without the tabs of the lesson before.
        page.goto(f"{lab.address}/workspaces/{request.param}/tree/{request.param}.ipynb?token={lab.token}")
        expect(page.get_by_text(re.compile(r"Python 3.* \| Idle"))).to_be_visible()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        notebook = page.get_by_role("tabpanel", name=f"{request.param}.ipynb")
        prompts = notebook.locator(".jp-CodeCell .jp-InputPrompt")
        expect(prompts.last).to_have_text("[*]:")
        expect(prompts.filter(has_text="*")).to_have_count(0, timeout=LESSON_PATIENCE)
        yield Opened(request.param, page, notebook)


def test_every_cell_ran_and_none_failed(lesson):
    complaints = lesson.notebook.locator('[data-mime-type="application/vnd.jupyter.stderr"]')
    expect(complaints.filter(has_text="Traceback")).to_have_count(0)
    prompts = lesson.notebook.locator(".jp-CodeCell .jp-InputPrompt")
    expect(prompts).to_have_text([f"[{k}]:" for k in range(1, prompts.count() + 1)])


def test_every_figure_has_alternative_text(lesson):
    figures = lesson.notebook.locator(".jp-OutputArea-output img")  # JupyterLab leaves it out, labextension/ adds it
    texts = figures.evaluate_all("figures => figures.map(figure => figure.alt)")
    assert len(texts) >= 5
    assert all(len(text) > 20 for text in texts), texts


def test_figures_and_fields_keep_their_place_in_a_narrow_window(lesson):
    lesson.page.set_viewport_size({"width": 900, "height": 1000})
    try:
        for shown in lesson.notebook.locator(".jp-OutputArea-output :is(img, input, select)").all():
            shown.scroll_into_view_if_needed()
            expect(shown).to_be_in_viewport(ratio=0.9)
    finally:
        lesson.page.set_viewport_size(WINDOW)


def test_the_table_shows_that_all_checks_held(lesson):
    verdicts = lesson.notebook.get_by_role("table", name="The lesson's checks").locator("tbody td:last-child")
    assert set(verdicts.all_inner_texts()) == {"passed"}


def test_a_wrong_answer_brings_the_hint_and_a_right_one_is_recorded(lesson, lab):
    number = f"{lesson.name[:2]}.1"
    exercise = exercises.find(number)
    cell = lesson.notebook.locator(".jp-CodeCell", has_text=f'check("{number}", answer)')
    said = cell.locator(".jp-OutputArea-output")

    def answer(text):
        editor = cell.get_by_role("textbox")
        editor.fill(f'{text}\ncheck("{number}", answer)')
        editor.press("Control+Enter")

    wrong, reason = WRONG[lesson.name]
    answer(wrong)
    expect(said).to_contain_text(reason)
    expect(said).to_contain_text(f"Hint: {exercise.hint}")
    assert f"· {number}" in lab.progress()
    answer(exercise.solution)
    expect(said).to_have_text(f"Exercise {number}: right.")
    assert f"✓ {number}" in lab.progress()


def test_the_lessons_before_and_after_open_by_their_links(lesson):
    course = catalogue.lessons()
    place = [entry.name for entry in course].index(lesson.name)
    for other in [*course[max(place - 1, 0) : place], course[place + 1]]:
        lesson.notebook.locator(f'a[href*="/{other.name}.ipynb"]').last.click()
        expect(lesson.page.get_by_role("heading", level=1, name=other.title)).to_be_visible()
        lesson.page.get_by_role("tab", name=f"{lesson.name}.ipynb").click()
