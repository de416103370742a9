"""The set-up files agree with each other and with what the package imports."""

import ast
import graphlib
import json
import re
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"matplotlib-base": "matplotlib"}
MODULES = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "IPython": "ipykernel",
    "PIL": "pillow",
    "starlette": "fastapi",
}


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def declared(*extras):
    """Return {name: specifier} of the dependencies and of the named extras."""
    texts = project()["dependencies"] + [text for extra in extras for text in project()["optional-dependencies"][extra]]
    return {canonicalize_name(item.name): str(item.specifier) for item in map(Requirement, texts)}


def conda_lines():
    """Return the lines of environment.yml that name a package."""
    lines = (ROOT / "environment.yml").read_text().partition("dependencies:")[2].splitlines()
    return [line.strip("- ") for line in lines if re.match(r" +- \w.*[^:]$", line)]


def constraints():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_environment_and_pyproject_name_the_same_packages_and_bounds():
    content = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in content if isinstance(entry, dict))
    texts = [text for text in content if isinstance(text, str)] + [text for text in pip if text != "-e ."]
    found = {item.name: str(item.specifier) for item in map(Requirement, texts)}
    python = found.pop("python")
    found.pop("pip")
    assert {canonicalize_name(CONDA_NAMES.get(name, name)): spec for name, spec in found.items()} == declared(
        *project()["optional-dependencies"]
    )
    assert project()["requires-python"] in python


def test_every_conda_entry_says_who_needs_it():
    bare = [line for line in conda_lines() if "#" not in line and line.split(">=")[0] not in ("python", "pip", "-e .")]
    assert [line for line in bare if not line.startswith(("conda-forge", "e ."))] == []


def test_the_tested_versions_keep_the_bounds_and_leave_none_out():
    exact = {canonicalize_name(name): version for name, version in constraints().items()}
    for name, specifier in declared(*project()["optional-dependencies"]).items():
        assert name in exact
        assert exact[name] in Requirement(f"{name}{specifier}").specifier, name


def test_constraints_hold_names_and_versions_only():
    for name, version in constraints().items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        assert re.fullmatch(r"[0-9A-Za-z.+!]+", version)


def test_the_extension_of_jupyterlab_has_the_name_and_version_of_the_package():
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert [package[key] for key in ("name", "version")] == [project()[key] for key in ("name", "version")]


def imported_modules(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


def sources(kind):
    if kind == "package":
        return [path.read_text() for path in (ROOT / "cnn_course").rglob("*.py")]
    notebooks = [nbformat.read(path, as_version=4) for path in (ROOT / "notebooks").glob("*.ipynb")]
    return [
        re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE)
        for book in notebooks
        for cell in book.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("kind", ["package", "notebooks"])
def test_what_is_imported_is_a_dependency(kind):
    used = {name for source in sources(kind) for name in imported_modules(source)}
    outside = used - sys.stdlib_module_names - {"cnn_course", "google"}
    optional = {"dask", "distributed", "ipywidgets", "jax"}
    names = {canonicalize_name(MODULES.get(name, name)) for name in outside - optional}
    assert names <= set(declared())  # what a wheel brings along, on Colab too


def test_modules_do_not_import_in_a_circle():
    files = {path.stem: [path] for path in (ROOT / "cnn_course").glob("*.py")}
    for package in (ROOT / "cnn_course").glob("*/__init__.py"):
        files[package.parent.name] = [*package.parent.rglob("*.py")]
    assert {"datasets", "models", "training", "lesson"} < set(files)
    arrows = {
        name: {imported for path in paths for imported in own_imports(path.read_text())} & set(files) - {name}
        for name, paths in files.items()
    }
    order = graphlib.TopologicalSorter(arrows)
    assert len([*order.static_order()]) == len(files)


def own_imports(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "cnn_course":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cnn_course."):
            yield node.module.split(".")[1]
