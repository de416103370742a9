"""Rows that join stored runs and costs, and who beats whom, against a comparison of all pairs."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_course import bundled, leaderboard
from cnn_course.leaderboard.costs import WAYS

COST = leaderboard.Cost(
    parameters=1000,
    flops=2_000_000,
    bytes={"float32": 4000, "int8": 1500},
    milliseconds=dict.fromkeys(WAYS, (1.0, 2.0)),
)
RUN = {"test_accuracy": {"1": 0.5, "2": 0.6}, "seconds": 10.0, "made_on": "CPU: one, 2 cores"}


def row(name="a", parameters=1000, accuracy=(50.0,)):
    cost = dataclasses.replace(COST, parameters=parameters)
    return leaderboard.Row(name, "04", "cifar10", accuracy, (10.0,), ("CPU",), cost)


@pytest.fixture
def folder(tmp_path):
    runs = [
        {"recipe": "five minutes", "seed": 0, **RUN},
        {"recipe": "five minutes", "seed": 1, **RUN, "test_accuracy": {"1": 0.7, "2": 0.8}, "seconds": 20.0},
        {"recipe": "another", "seed": 0, **RUN},
    ]
    (tmp_path / "cifar10_recipes.json").write_text(json.dumps({"runs": runs}))
    names = ("fast, five minutes", "fast, five minutes, 2 views", "ResNet-8")
    costs = [{"name": name, **dataclasses.asdict(COST)} for name in names]
    (tmp_path / "leaderboard.json").write_text(json.dumps({"runs": costs}))
    return tmp_path


def test_a_row_joins_the_runs_of_a_network_with_its_cost(folder):
    one, two = leaderboard.rows(folder)  # ResNet-8 has no runs, the other recipes have no cost
    assert (one.name, one.accuracy, one.seconds) == ("fast, five minutes", (50.0, 70.0), (10.0, 20.0))
    assert (one.mean, one.spread) == (60.0, pytest.approx(np.sqrt(200)))
    assert two.accuracy == (60.0, 80.0)
    assert one.cost.bytes == COST.bytes
    assert row().spread is None


def test_the_last_value_of_a_list_counts():
    contender = next(each for each in leaderboard.contenders() if each.name.startswith("articles' CNN"))
    run = {"test_accuracy": {"1": [0.2, 0.3]}, "seconds": [5.0, 9.0]}
    assert (contender.reached(run), contender.took(run)) == (30.0, 9.0)


def test_without_costs_the_error_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match="python benchmarks/leaderboard"):
        leaderboard.rows(tmp_path)


def test_contenders_have_names_of_their_own_and_their_runs_can_be_read():
    known = leaderboard.contenders()
    assert len({contender.name for contender in known}) == len(known)
    folder = bundled.folder("results")
    for contender in known:
        for run in contender.runs(folder):
            assert 10 < contender.reached(run) <= 100
            assert contender.took(run) > 0
            assert run["made_on"]


def test_accuracy_in_int8_is_that_of_the_runs_or_of_the_one_network_that_travels_with_the_course(folder):
    files = {
        "float32, further": {"test_accuracy": 0.8},
        "int8, further": {"test_accuracy": 0.79},
    }
    runs = [{"seed": seed, "files": files, "seconds": 1.0, "made_on": "CPU"} for seed in (0, 1)]
    (folder / "cifar10_quantization.json").write_text(json.dumps({"runs": runs}))
    costs = json.loads((folder / "leaderboard.json").read_text())
    costs["runs"][0]["int8_accuracy"] = 49.5
    (folder / "leaderboard.json").write_text(json.dumps(costs))
    found = {each.name: each.int8_accuracy for each in leaderboard.rows(folder)}
    assert found == {"fast, five minutes": (49.5,), "fast, five minutes, 2 views": (), "ResNet-8": (79.0, 79.0)}


def test_the_stored_page_is_that_of_the_stored_runs():
    folder = bundled.folder("results")
    page = (folder / "leaderboard.md").read_text(encoding="utf-8")
    table = leaderboard.rows(folder)
    assert len(table) == len(leaderboard.contenders())
    for data in {each.data for each in table}:
        assert leaderboard.as_markdown(each for each in table if each.data == data) in page


numbers = st.integers(0, 5).map(float)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=12))
def test_the_front_is_what_a_comparison_of_all_pairs_leaves(pairs):
    costs, values = np.array(pairs).T
    beaten = [
        any(
            (a <= cost and b >= value) and (a < cost or b > value)
            for a, b in pairs
        )
        for cost, value in pairs
    ]  # fmt: skip
    np.testing.assert_array_equal(leaderboard.pareto_front(costs, values), ~np.array(beaten))


def test_a_front_needs_a_value_for_each_cost():
    with pytest.raises(ValueError, match="both must be"):
        leaderboard.pareto_front([1.0, 2.0], [1.0])


def test_a_claim_is_beaten_by_more_in_every_run_with_no_more_parameters():
    claim = leaderboard.Claim("claimed", 1000, 50.0, 1.0)
    table = [
        row("large", 1001, (90.0,)),
        row("second", 1000, (51.0,)),
        row("lucky", 10, (49.0, 60.0)),
        row("no better"),
    ]
    assert [each.name for each in leaderboard.beating(claim, [*table, row("first", 10, (51.0,))])] == [
        "first",
        "second",
    ]


def test_the_most_accurate_network_stands_first_and_every_line_has_all_columns():
    text = leaderboard.as_markdown([row("worse"), row("better", accuracy=(60.0, 62.0))])
    head, rule, first, second = text.splitlines()
    assert first.startswith("| better | 04 | 1,000 | 2.0 | 61.00 ± 1.41 (2) | 10 | 4 | 2 | 1.00, 2.00 |")
    assert row(accuracy=(1.0,)).told_seconds == "10"
    assert dataclasses.replace(row(), seconds=(10.0, 25.0)).told_seconds == "10 to 25"
    assert second.startswith("| worse | 04 | 1,000 | 2.0 | 50.00 (1) |")
    assert {line.count("|") for line in (head, rule, first, second)} == {12}
