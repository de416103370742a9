"""Every lesson: executed by papermill with parameters other than its own, and kept in the shape that lessons have.

pytest's own command line executes the same notebooks through nbval; see the Makefile.
"""

import itertools
import json
import re

import nbformat
import papermill
import pytest

from cnn_course import bundled, reports
from cnn_course.reports import catalogue, colab, navigation

NOTEBOOKS = sorted(bundled.folder("notebooks").glob("*.ipynb"))
# What the test gives each lesson: another seed, and another value for at least one of the lesson's own parameters.
# Those that train for long train as little as they can; what they claim to have learned, nbval's run judges.
OTHER_PARAMETERS = {
    "00_start_here": {"seed": 1, "batch_size": 50},
    "01_convolution_and_pooling": {"seed": 1},
    "02_mnist": {"seed": 1, "batch_size": 50},
    "03_cifar_cnn": {"seed": 1, "batch_size": 50, "epochs": 1, "train_size": 600, "comparison_epochs": 1},
    "04_residual_networks": {"seed": 1, "batch_size": 20, "epochs": 1, "train_size": 500, "comparison_epochs": 2},
    "05_transfer_learning": {
        "seed": 1,
        "batch_size": 40,
        "train_size": 300,
        "comparison_size": 100,
        "scratch_steps": 20,
    },
    "06_mixed_precision": {"seed": 1, "batch_size": 40},
    "07_distillation": {"seed": 1, "batch_size": 25, "epochs": 20, "students": 2, "teacher_epochs": 1},
    "08_quantization": {"seed": 1, "batch_size": 25},
    "09_grad_cam": {"seed": 1, "batch_size": 30},
    "10_simclr": {"seed": 1, "batch_size": 50, "epochs": 1, "train_size": 1000},
    "11_hyperparameter_search": {
        "seed": 1,
        "batch_size": 40,
        "epochs": 1,
        "train_size": 300,
        "budget": 3,
        "repeats": 5,
    },
    "12_robustness": {"seed": 1, "batch_size": 40, "epochs": 1, "train_size": 600},
    "13_deployment": {"seed": 1, "batch_size": 40},
    "14_scaling_out": {"seed": 1, "batch_size": 20, "epochs": 1, "engine_steps": 20},
    "15_beyond_classification": {
        "seed": 1,
        "batch_size": 30,
        "epochs": 1,
        "train_size": 300,
        "digits": 500,
        "digit_epochs": 1,
    },
    "16_leaderboard": {"seed": 1, "repeats": 10},
}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell):
    return cell.metadata.get("tags", [])


def test_every_lesson_of_the_course_is_looked_at():
    assert [path.stem for path in NOTEBOOKS] == list(OTHER_PARAMETERS)


def test_it_runs_with_other_parameters_from_another_folder(path, tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_COURSE_RUN", str(tmp_path))
    given = OTHER_PARAMETERS[path.stem]
    papermill.execute_notebook(
        path, tmp_path / "executed.ipynb", parameters=given, kernel_name="python3", cwd=tmp_path, progress_bar=False
    )
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["lesson"] == path.stem
    assert results["parameters"] | given == results["parameters"]
    assert set(results["given"]) >= set(given)
    assert results["checks"]
    assert all(check["passed"] is not False for check in results["checks"])


def test_it_has_the_shape_of_a_lesson(notebook, path):
    text = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    headings = re.findall(r"^(#+) ", re.sub(r"```.*?```", "", "\n".join(text), flags=re.DOTALL), flags=re.MULTILINE)
    assert notebook.cells[0].source.startswith("# ")
    assert [len(level) for level in headings].count(1) == 1
    assert all(len(deeper) <= len(level) + 1 for level, deeper in itertools.pairwise(headings))
    assert [i for i, cell in enumerate(code_cells(notebook)) if "parameters" in tags(cell)] == [1]
    assert code_cells(notebook)[-1].source.strip().endswith("run.finish()")
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert f'lesson.start(\n    "{path.stem}"' in "\n".join(cell.source for cell in code_cells(notebook))


def test_its_code_cells_are_short(notebook):
    lengths = {
        cell.id: len([line for line in cell.source.splitlines() if line.strip()]) for cell in code_cells(notebook)
    }
    assert {name: lines for name, lines in lengths.items() if lines > 25} == {}


def test_all_lessons_start_alike():
    assert colab.out_of_step(catalogue.lessons()) == []


def test_the_links_between_the_lessons_are_in_step():
    assert navigation.connect(catalogue.lessons(), store=False) == []


def test_it_is_stored_as_it_was_executed(notebook, path):
    assert path.stat().st_size <= 1_500_000
    assert reports.changed_since_execution(notebook) == []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error" or "raises-exception" in tags(cell)
            if "image/png" in output.get("data", {}):
                assert output.metadata["image/png"]["alt"], f"a figure of cell {cell.id} has no alternative text"
