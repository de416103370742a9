"""The benchmark of lesson 12: what it stores of a training, on images of the same size as CIFAR-10's."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cnn_course import datasets

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", ["cifar10_robustness.py"])
    import cifar10_robustness

    sizes = {"widths": (8, 16), "validation": 40, "steps": 2, "attacked": 30, "curve": {"images": 20, "steps": 2}}
    for name, value in sizes.items():
        monkeypatch.setitem(cifar10_robustness.SETTINGS, name, value)
    shapes = datasets.load("shapes10", size=1000)
    monkeypatch.setattr(datasets, "load", lambda name: shapes)
    return cifar10_robustness


def test_each_group_has_its_epochs_and_a_training_on_attacked_images_its_curve(benchmark, tmp_path):
    out = tmp_path / "out.json"
    given = ["--kind", "plain", "--kind", "one step, 16", "--seeds", "0", "--train-size", "500"]
    given += ["--epochs", "3", "--small-epochs", "0", "--attacked-epochs", "2", "--out", str(out)]
    done = CliRunner().invoke(benchmark.main, given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "under PGD:\nplain " in done.output
    plain, one = json.loads(out.read_text())["runs"]
    assert [len(run["train_accuracy"]) for run in (plain, one)] == [3, 2]
    assert "by_epoch" not in plain
    assert one["by_epoch"]["radius"] == one["at_own_radius"]["radius"] == 16
    assert [len(one["by_epoch"][name]) for name in ("FGSM", "PGD")] == [2, 2]
    for run in (plain, one):
        assert set(run["under_attack"]) == {"none", "FGSM", "PGD"}
        assert set(run["validation"]) == {"accuracy", "corrupted", "under_attack"}
        assert len(run["validation"]["corrupted"]) == len(run["corrupted"]) == 7


def test_a_curve_is_of_the_radius_that_the_kind_is_trained_for(benchmark):
    kinds = benchmark.SETTINGS["attacked_in_training"]
    assert {name: each["step_size"] for name, each in kinds.items()} == {
        "hardened": benchmark.SETTINGS["radius"],
        "one step": benchmark.SETTINGS["radius"],
        "one step, 16": 16,
    }
    assert kinds["hardened"]["start"] == 2 * benchmark.SETTINGS["radius"]
