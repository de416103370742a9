"""Emulate Colab: run every lesson, in the quick profile, where only an older TensorFlow and the course's wheel are.

A clean environment gets the oldest TensorFlow, Keras and NumPy that pyproject.toml admits, a kernel, and a stub of
``google.colab``, and nothing of the course. The lessons are executed in another folder, in which the wheel lies; their
first cell has to find it, and to leave the three packages as they are.

    .venv/bin/python .ci/colab.py [LESSON]...

It needs the package index, 3 GB of disk, and half an hour for all lessons on two cores. ``--keep DIR`` uses DIR for
everything and keeps it: the executed notebooks, and an environment that the next run does not have to make again.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("keras", "numpy", "tensorflow")
STUB = "class drive:\n    @staticmethod\n    def mount(folder):\n        raise OSError('There is no Drive here.')\n"


def oldest() -> list[str]:
    """Return ``tensorflow~=2.18.0`` and so on: the newest repair of the oldest versions that the course admits."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    bounds = {entry.name: next(iter(entry.specifier)).version for entry in map(Requirement, declared)}
    return [f"{name}~={bounds[name]}.0" for name in KEPT]


def make_environment(folder: Path) -> Path:
    """Make the environment in ``folder``, unless it is there, and return its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        pip(python, "install", "ipykernel", *oldest())
        stub = next(folder.glob("lib/python*/site-packages")) / "google" / "colab"
        stub.mkdir(parents=True)
        (stub / "__init__.py").write_text(STUB)
    pip(python, "uninstall", "--yes", "cnn-course")  # of an earlier run
    return python


def pip(python: Path, *arguments: str | Path) -> None:
    """Run pip in an environment."""
    subprocess.run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


def versions(python: Path) -> str:
    """Return the versions of what the lessons must leave alone."""
    code = f"from importlib.metadata import version; print(*(f'{{n}} {{version(n)}}' for n in {KEPT}))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def run(place: Path, wanted: list[str]) -> list[str]:
    """Run the lessons whose names begin with a word of ``wanted``, by default all; return the names of the failed."""
    python = make_environment(place / "environment")
    before = versions(python)
    print(f"The environment has {before}", flush=True)
    content, kernels = place / "content", place / "kernels"
    shutil.rmtree(content, ignore_errors=True)
    content.mkdir()
    pip(Path(sys.executable), "wheel", "--no-deps", "--wheel-dir", content, ROOT)
    subprocess.run([python, "-m", "ipykernel", "install", "--prefix", kernels, "--name", "colab"], check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CNN_COURSE", "PYTHON"))}
    environment |= {
        "CNN_COURSE_PROFILE": "quick",
        "CNN_COURSE_STRICT": "1",
        "CNN_COURSE_HOME": str(place / "home"),
        "JUPYTER_PATH": str(kernels / "share" / "jupyter"),
    }
    failed = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if not wanted or path.name.startswith(tuple(wanted)):
            command = [sys.executable, "-m", "papermill", path, place / path.name, "--kernel", "colab"]
            ended = subprocess.run([*command, "--cwd", content, "--no-progress-bar"], env=environment, check=False)
            print(f"{path.stem}: {'failed' if ended.returncode else 'passed'}", flush=True)
            failed += [path.stem] if ended.returncode else []
    if versions(python) != before:
        failed.append(f"the versions, which are now {versions(python)}")
    return failed


def main() -> None:
    """Read the command line, run, and say what failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="*", help="Numbers of lessons, such as 02; by default all.")
    parser.add_argument("--keep", type=Path, help="Folder for everything, kept afterwards.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cnn_course_colab_") as passing:
        place = (given.keep or Path(passing)).absolute()
        place.mkdir(parents=True, exist_ok=True)
        failed = run(place, given.lessons)
    sys.exit(f"These failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
