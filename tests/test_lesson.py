"""A lesson's run: seeds, checks, and the results file."""

import json
import math

import keras
import numpy as np
import pytest

from cnn_course import lesson
from cnn_course.parameters import ParameterError


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_COURSE_RUN", str(tmp_path / "run"))
    monkeypatch.delenv("CNN_COURSE_STRICT", raising=False)
    monkeypatch.delenv("CNN_COURSE_PROFILE", raising=False)
    return start()


def start(**names):
    values = {"dataset": "mnist5k", "epochs": 2}
    return lesson.start("00_start_here", {"profile": "quick", "seed": 0} | names, quick=values, full=values)


def saved(run):
    return json.loads((run.folder / "results.json").read_text())


def test_the_settings_are_shown_with_who_set_them(run, capsys):
    start(epochs=5)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["epochs", "5", "given"] for line in lines)
    assert any(line.split() == ["dataset", "mnist5k", "quick", "profile"] for line in lines)


def test_the_seed_fixes_every_generator(run):
    def draws(seed):
        start(seed=seed)
        return float(keras.random.normal(())), float(np.random.random())  # noqa: NPY002  the legacy state is what is seeded

    assert draws(3) == draws(3)
    assert draws(3) != draws(4)


def test_results_hold_what_the_contract_names(run):
    run.record(accuracy=np.float32(0.5), curve=np.array([1, 2]))
    run.check("half is enough", 0.5, at_least=0.25)
    run.finish()
    results = saved(run)
    assert results["lesson"] == "00_start_here"
    assert results["parameters"] == {"profile": "quick", "dataset": "mnist5k", "epochs": 2, "seed": 0}
    assert results["metrics"] == {"accuracy": 0.5, "curve": [1, 2]}
    assert results["checks"][0]["passed"] is True
    assert results["versions"]["keras"] == keras.__version__
    assert results["peak_memory_bytes"] > 10e6
    assert results["seconds"] >= 0
    assert results["device"]


def test_a_tensor_is_recorded_and_judged_by_its_numbers(run):
    run.record(loss=keras.ops.convert_to_tensor(0.5), kernel=keras.Variable([1.0, 2.0]))
    run.check("half is enough", keras.ops.convert_to_tensor(0.5), at_least=0.25)
    run.finish()
    assert saved(run)["metrics"] == {"loss": 0.5, "kernel": [1.0, 2.0]}
    assert saved(run)["checks"][0]["value"] == 0.5


@pytest.mark.parametrize(
    ("value", "bound", "passed"),
    [
        (0.9, {"at_least": 0.9}, True),
        (0.89, {"at_least": 0.9}, False),
        (1e-6, {"at_most": 1e-5}, True),
        (1e-4, {"at_most": 1e-5}, False),
        (math.nan, {"at_most": 1.0}, False),
        (math.nan, {"at_least": 0.0}, False),
        (1605632, {"equals": 1605632}, True),
        ([[6, 8], [14, 16]], {"equals": [[6, 8], [14, 16]]}, True),
        (np.array([[6, 8]]), {"equals": [[6, 9]]}, False),
    ],
)
def test_a_check_judges_by_its_bound(run, value, bound, passed):
    run.check("a claim", value, **bound)
    assert run.checks[0].passed is passed


def test_a_check_needs_exactly_one_bound(run):
    for bounds in ({}, {"at_least": 0, "at_most": 1}):
        with pytest.raises(TypeError, match="exactly one"):
            run.check("a claim", 0.5, **bounds)


def test_a_learned_claim_is_not_judged_when_the_amount_of_training_was_given(run):
    run.check("learns", 0.1, at_least=0.9, learned=True)
    assert run.checks[0].passed is False
    shorter = start(epochs=1)
    shorter.check("learns", 0.1, at_least=0.9, learned=True)
    shorter.check("is a probability", 0.1, at_most=1.0)
    assert [check.passed for check in shorter.checks] == [None, True]
    assert "epochs given by hand" in shorter.checks[0].note
    other = lesson.start("00_start_here", {"depth": 3}, quick={"depth": 2}, full={"depth": 2})
    other.check("learns", 0.1, at_least=0.9, learned=True)
    assert "depth given by hand" in other.checks[0].note
    reseeded = start(seed=5)
    reseeded.check("learns", 0.1, at_least=0.9, learned=True)
    assert reseeded.checks[0].passed is False


def test_a_failed_check_is_shown_to_a_learner_and_stops_a_strict_run(run, monkeypatch, capsys):
    run.check("learns", 0.1, at_least=0.9)
    assert "FAILED" in repr(run.finish())
    monkeypatch.setenv("CNN_COURSE_STRICT", "1")
    with pytest.raises(lesson.CheckFailed, match="1 of 1 checks failed: learns"):
        run.finish()
    assert "FAILED" in capsys.readouterr().out
    assert saved(run)["checks"][0]["passed"] is False


def test_the_table_escapes_what_it_shows(run):
    run.check("1 < 2 & so on", 1, at_most=2)
    assert "1 &lt; 2 &amp; so on" in run.finish()._repr_html_()


def test_what_is_not_a_number_is_written_as_text_so_that_the_file_stays_json(run):
    run.record(loss=math.nan, rates=[math.inf, 1.0])
    run.finish()
    assert saved(run)["metrics"] == {"loss": "nan", "rates": ["inf", 1.0]}


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CNN_COURSE_RUN", str(tmp_path / "file" / "run"))
    with pytest.raises(ParameterError, match=r"cannot be made: .* Set the environment variable CNN_COURSE_RUN"):
        start()


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    target = tmp_path / "results.json"
    lesson.write_json(target, {"kept": True})
    with pytest.raises(UnicodeEncodeError):
        lesson.write_json(target, {"broken": "\ud800"})
    assert json.loads(target.read_text()) == {"kept": True}
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
