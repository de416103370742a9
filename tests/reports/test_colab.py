"""Lessons on Colab: the first cell finds the course and leaves TensorFlow alone; a stamp is exact and can be undone."""

import os
import subprocess
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell
from notebook_files import write_lesson

from cnn_course import cli
from cnn_course.reports import authoring, catalogue, changed_since_execution, colab

NAMES = ("00_start", "01_next")
REPOSITORY = colab.Repository("someone/cnn-course", "v1.0")
ARCHIVE = "https://github.com/someone/cnn-course/archive/v1.0.tar.gz"
HERE = {"keras": "3.5.0", "numpy": "1.26.4", "tensorflow": "2.16.1"}


@pytest.fixture
def machine(tmp_path):
    """A machine like Colab's: a Python with pip and, in name, TensorFlow; an empty folder to work in, and a Drive."""
    venv.create(tmp_path / "env")
    site = next(tmp_path.glob("env/lib/python*/site-packages"))
    (site / "pip").symlink_to(Path(find_spec("pip").origin).parent)
    for name, version in HERE.items():
        described = site / f"{name}-{version}.dist-info" / "METADATA"
        described.parent.mkdir()
        described.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "drive" / "Colab Notebooks").mkdir(parents=True)
    return tmp_path


def start(machine, repository=None):
    """Run the first cell; nothing is reached beyond this machine."""
    code = colab.first_cell(repository).replace("/content/drive/MyDrive", str(machine / "drive"))
    nowhere = {"PIP_NO_INDEX": "1", "PIP_RETRIES": "0", "HTTPS_PROXY": "http://127.0.0.1:9", "HOME": str(machine)}
    return subprocess.run(
        [machine / "env" / "bin" / "python", "-c", code],
        cwd=machine / "work",
        env={"PATH": os.environ["PATH"], "PIP_DISABLE_PIP_VERSION_CHECK": "1", **nowhere},
        capture_output=True,
        text=True,
    )


def write_course(folder, version):
    """Write a package in the course's place that says its version when it starts."""
    (folder / "cnn_course").mkdir(parents=True)
    (folder / "cnn_course" / "__init__.py").write_text("")
    (folder / "cnn_course" / "startup.py").write_text(
        f"def start_tensorflow_quietly():\n    print('course {version} starts')\n"
    )


def write_wheel(folder, version, *, needs="numpy>=1.26", seconds=0):
    """Write a wheel of such a package, last changed at ``seconds``."""
    described = f"cnn_course-{version}.dist-info"
    source = folder / f"source-{version}"
    write_course(source, version)
    (source / described).mkdir()
    about = f"Metadata-Version: 2.1\nName: cnn_course\nVersion: {version}\nRequires-Dist: {needs}\n"
    (source / described / "METADATA").write_text(about)
    (source / described / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    names = [str(path.relative_to(source)) for path in files]
    wheel = folder / f"cnn_course-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, name in zip(files, names, strict=True):
            archive.write(path, name)
        archive.writestr(f"{described}/RECORD", "".join(f"{name},,\n" for name in [*names, f"{described}/RECORD"]))
    os.utime(wheel, (seconds, seconds))


def versions(machine):
    """Return the versions of what Colab brought along, as they are now."""
    found = [path.name.removesuffix(".dist-info").split("-") for path in machine.glob("env/lib/python*/*/*.dist-info")]
    return {name: version for name, version in found if name in HERE}


def test_where_nothing_is_found_it_says_what_to_do(machine):
    ended = start(machine)
    assert ended.returncode == 1
    assert "ModuleNotFoundError: The package cnn_course is not installed. In a checkout run 'make lab'." in ended.stderr


@pytest.mark.parametrize("place", ["work", "drive", "drive/Colab Notebooks"])
def test_a_wheel_is_installed_in_the_running_python_and_before_any_address(machine, place):
    write_wheel(machine / place, "1.1")
    ended = start(machine, REPOSITORY)
    assert (ended.stdout, ended.returncode) == ("course 1.1 starts\n", 0), ended.stderr
    assert versions(machine) == HERE


def test_of_several_wheels_the_newest_is_taken(machine):
    write_wheel(machine / "work", "0.9", seconds=1_000_000)
    write_wheel(machine / "drive", "0.10", seconds=2_000_000)
    assert start(machine).stdout == "course 0.10 starts\n"


def test_an_installed_course_comes_before_a_wheel(machine):
    write_course(next(machine.glob("env/lib/python*/site-packages")), "1.0")
    write_wheel(machine / "work", "1.1")
    assert start(machine).stdout == "course 1.0 starts\n"


def test_a_course_that_needs_another_numpy_is_refused_and_numpy_stays(machine):
    write_wheel(machine / "work", "2.0", needs="numpy>=2")
    ended = start(machine)
    assert ended.returncode == 1
    assert "RuntimeError: pip could not install cnn_course-2.0-py3-none-any.whl" in ended.stderr
    assert "Cannot install cnn-course==2.0 and numpy==1.26.4" in " ".join(ended.stderr.split())
    assert versions(machine) == HERE


def test_without_a_wheel_the_address_is_tried(machine):
    ended = start(machine, REPOSITORY)
    assert ended.returncode == 1
    assert f"RuntimeError: pip could not install {ARCHIVE}" in ended.stderr


@pytest.fixture
def folder(tmp_path):
    """Two lessons that count as executed, with an older first cell."""
    for name in NAMES:
        path = write_lesson(tmp_path / "lessons", name, "print(epochs)")
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.insert(1, new_code_cell("import cnn_course", id="bootstrap"))
        notebook.metadata[authoring.STAMP] = {}
        for place, cell in enumerate(notebook.cells[1:], 1):
            cell.execution_count = place
            authoring.note_as_executed(notebook, cell.id)
        nbformat.write(notebook, path)
    return tmp_path / "lessons"


def call(folder, *arguments):
    return CliRunner().invoke(cli.main, ["colab", "--notebooks", str(folder), *arguments])


def notebook_of(folder, name):
    return nbformat.read(folder / f"{name}.ipynb", as_version=4)


def contents_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_stamp_brings_badge_and_address_and_is_taken_out_again(folder):
    assert call(folder, "--remove").output == "Written into 00_start, 01_next.\n"
    plain = contents_of(folder)
    assert call(folder, "--repo", "someone/cnn-course", "--ref", "v1.0").output == "Written into 00_start, 01_next.\n"
    for name in NAMES:
        notebook = notebook_of(folder, name)
        assert [cell.id for cell in notebook.cells] == ["title", "colab", "bootstrap", "parameters", "cell-0"]
        assert notebook.cells[1].source == (
            "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
            f"(https://colab.research.google.com/github/someone/cnn-course/blob/v1.0/notebooks/{name}.ipynb)"
        )
        assert f'    address = "{ARCHIVE}"\n' in notebook.cells[2].source
        assert changed_since_execution(notebook) == []
    stamped = contents_of(folder)
    assert call(folder, "--repo", "someone/cnn-course", "--ref", "v1.0").output == "All lessons are in step.\n"
    assert contents_of(folder) == stamped
    assert call(folder, "--check").exit_code == 0
    call(folder, "--remove")
    assert contents_of(folder) == plain
    assert call(folder, "--check").exit_code == 0


def test_a_cell_that_was_edited_after_its_run_still_counts_as_edited(folder):
    notebook = notebook_of(folder, "00_start")
    notebook.cells[1].source += "\nprint(1)"
    notebook.cells[3].source += "\nprint(2)"
    nbformat.write(notebook, folder / "00_start.ipynb")
    call(folder, "--remove")
    assert set(changed_since_execution(notebook_of(folder, "00_start"))) == {"bootstrap", "cell-0"}


def test_lessons_that_differ_in_it_are_named(folder):
    call(folder, "--repo", "someone/cnn-course", "--ref", "v1.0")
    lessons = catalogue.lessons(folder)
    colab.stamp(lessons[1:], None)
    refused = call(folder, "--check")
    assert refused.exit_code == 1
    assert "Out of step: 01_next. Give --repo and --ref, or --remove" in refused.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give --repo OWNER/NAME and --ref TAG, or --remove alone"),
        (["--repo", "someone/cnn-course"], "Give --repo OWNER/NAME and --ref TAG"),
        (["--repo", "a/b", "--ref", "v1", "--remove"], "or --remove alone"),
        (["--repo", "https://github.com/a/b", "--ref", "v1"], "it is given as OWNER/NAME"),
        (["--repo", "a/b", "--ref", 'v1"; import os; "'], "it is the name of a tag or a branch"),
        (["--repo", "a/b", "--ref", "../../c"], "it is the name of a tag or a branch"),
    ],
)
def test_what_makes_no_address_is_refused(folder, arguments, message):
    before = contents_of(folder)
    result = call(folder, *arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert contents_of(folder) == before


def test_a_lesson_without_the_cell_stops_the_others_from_being_written(folder):
    write_lesson(folder, "02_bare", "print(epochs)")
    before = contents_of(folder)
    result = call(folder, "--remove")
    assert result.exit_code == 1
    assert "02_bare.ipynb has no cell with the id 'bootstrap'" in result.output
    assert contents_of(folder) == before
