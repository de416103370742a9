"""Comparisons: what differs becomes a column, seeds become mean and spread."""

import csv
import json
import statistics

import pytest

from cnn_course.reports import comparison, pages
from cnn_course.reports.errors import ReportError


def make_run(folder, epochs, seed, **metrics):
    place = folder / f"e{epochs}-s{seed}"
    place.mkdir(parents=True)
    parameters = {"profile": "quick", "dataset": "mnist5k", "epochs": epochs, "seed": seed}
    results = {"lesson": "02_mnist", "parameters": parameters, "metrics": {"weights": 1605632, **metrics}}
    (place / "results.json").write_text(json.dumps(results))
    return place


@pytest.fixture
def runs(tmp_path):
    return [
        make_run(tmp_path, epochs, seed, accuracy=0.8 + epochs / 100 + seed / 1000, curve=[1, 2])
        for epochs in (10, 2, 5)
        for seed in (0, 1, 2)
    ]


def test_only_what_differs_is_a_column_and_seeds_are_averaged(runs):
    compared = comparison.compare(runs)
    assert compared.header() == ["epochs", "seeds", "weights", "accuracy"]
    values = [0.82, 0.821, 0.822]
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    assert compared.rows()[0] == ["2", "3", "1\u202f605\u202f632", f"{mean:.4g} ± {spread:.2g}"]
    assert [row[0] for row in compared.rows()] == ["2", "5", "10"]


def test_runs_that_differ_in_the_seed_alone_are_one_row(runs):
    compared = comparison.compare(runs[:3], ["accuracy"])
    assert compared.differing == ()
    assert len(compared.rows()) == 1


def test_a_run_that_is_named_twice_counts_once(runs):
    compared = comparison.compare([*runs[:2], runs[0] / "results.json", runs[1]])
    assert compared.rows() == comparison.compare(runs[:2]).rows()
    assert len(compared.runs) == 2


def test_the_csv_holds_the_single_runs(runs, tmp_path):
    page = comparison.write(comparison.compare(runs), tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "comparison.csv").open()))
    assert len(rows) == 9
    assert rows[0] == {
        "run": "e2-s0",
        "epochs": "2",
        "seed": "0",
        "weights": "1605632",
        "accuracy": "0.8200000000000001",
    }
    text = page.read_text()
    assert pages.external_references(text) == []
    assert text.count("<img") == 1  # the number of weights is the same everywhere
    assert "accuracy for each setting. epochs 2: 0.821" in text


def test_a_metric_that_some_runs_lack_is_left_open(runs, tmp_path):
    compared = comparison.compare([*runs, make_run(tmp_path, 20, 0)])
    assert compared.rows()[-1] == ["20", "1", "1\u202f605\u202f632", "–"]


def test_what_cannot_be_compared_is_refused(runs, tmp_path):
    with pytest.raises(ReportError, match="at least two different runs"):
        comparison.compare([runs[0], runs[0]])
    with pytest.raises(ReportError, match="holds no results of a run"):
        comparison.compare([runs[0], tmp_path])
    (tmp_path / "list.json").write_text('[{"lesson": "02_mnist"}]')
    with pytest.raises(ReportError, match="holds no results of a run"):
        comparison.compare([runs[0], tmp_path / "list.json"])
    with pytest.raises(ReportError, match=r"No run has the metric 'precision'\. The metrics are weights, accuracy"):
        comparison.compare(runs, ["precision"])
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="is a file"):
        comparison.write(comparison.compare(runs), tmp_path / "file")
