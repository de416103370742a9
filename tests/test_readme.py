"""The README: short, and with a table whose numbers are the stored ones."""

import json
from pathlib import Path

import click
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output, writes

from cnn_course.lesson import Check, CheckTable

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def readme_table(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import readme_table

    return readme_table


@pytest.fixture
def stored(tmp_path):
    """Return a folder with one executed lesson and one file of results."""
    settings = "<table><caption>This run</caption><tbody><tr><td>profile</td><td>full</td></tr></tbody></table>"
    checks = CheckTable([Check("reads <new> digits", 0.9876, "≥ 0.9", True), Check("weights", 9858, "≤ 9,999", True)])
    shown = [new_output("display_data", {"text/html": text}) for text in (settings, checks._repr_html_())]
    (tmp_path / "02_mnist.ipynb").write_text(writes(new_notebook(cells=[new_code_cell("", outputs=shown)])))
    runs = [{"recipe": name, "accuracy": {"1": value}} for name, value in (("a", 0.5), ("b", 0.25), ("b", 0.75))]
    (tmp_path / "mnist.json").write_text(json.dumps({"runs": runs}))
    return tmp_path


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 200


def test_its_table_is_in_step_with_the_stored_results(readme_table):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme_table.renewed(text) == text, "make readme writes it anew"


def test_its_numbers_come_from_checks_and_runs(readme_table, stored):
    values = (
        readme_table.Checked("reads <new> digits", times=100),
        readme_table.Checked("weights", "{:,.0f}"),
        readme_table.Mean("mnist", {"recipe": "b"}, ("accuracy", "1"), "{:.1f}", 100),
        readme_table.Setting("profile"),
    )
    row = readme_table.Row("MNIST", "Why?", "{} %, {}, {}, {}", values)
    line = readme_table.line("02", row, stored / "02_mnist.ipynb", stored)
    measured = "98.8 %, 9,858, 50.0 ± 35.4, full"
    single = readme_table.Mean("mnist", {"recipe": "a"}, ("accuracy", "1"))
    assert single.text(stored / "02_mnist.ipynb", stored) == "0.50"
    assert line == f"| 02 | [MNIST](notebooks/02_mnist.ipynb) | Why? | {measured} | full |\n"


def test_what_is_not_stored_is_refused_with_what_there_is(readme_table, stored):
    lesson = stored / "02_mnist.ipynb"
    with pytest.raises(click.ClickException, match=r"no check 'x'\. Its checks are: reads <new> digits; weights"):
        readme_table.Checked("x").text(lesson, stored)
    with pytest.raises(click.ClickException, match="holds no run of"):
        readme_table.Mean("mnist", {"recipe": "c"}, ("accuracy",)).text(lesson, stored)
    with pytest.raises(click.ClickException, match="no stored table 'Another'"):
        readme_table.table(lesson, "Another")
    lesson.rename(stored / "99_new.ipynb")
    with pytest.raises(click.ClickException, match="99_new has no row"):
        readme_table.lines(stored, stored)
