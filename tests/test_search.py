"""Searches: the mathematics against independent references, budgets that hold, and searches that go on after a kill."""

import inspect
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras_tuner
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from sklearn.gaussian_process import GaussianProcessRegressor, kernels

from cnn_course import datasets, lesson, search

SPACE = {"depth": (1, 2), "width": (4,), "rate": (0.01, 0.1)}


@given(n=st.integers(1, 400))
@settings(deadline=None, max_examples=25)
def test_the_mean_of_the_largest_is_the_area_between_its_distribution_and_a_step_at_zero(n):
    above, _ = integrate.quad(lambda x: 1 - stats.norm.cdf(x) ** n, 0, 12)
    below, _ = integrate.quad(lambda x: stats.norm.cdf(x) ** n, -12, 0)
    assert search.expected_maximum(n) == pytest.approx(above - below, abs=1e-6)


def test_the_mean_of_the_largest_of_few_is_known_exactly():
    assert search.expected_maximum(1) == pytest.approx(0, abs=1e-9)
    assert search.expected_maximum(2) == pytest.approx(1 / np.sqrt(np.pi))
    assert search.expected_maximum(3) == pytest.approx(1.5 / np.sqrt(np.pi))
    with pytest.raises(ValueError, match="n is 0"):
        search.expected_maximum(0)


@pytest.mark.parametrize(("n", "noise", "spread"), [(5, 1.0, 0.0), (20, 1.0, 2.0), (50, 0.5, 0.5), (8, 0.0, 1.0)])
def test_the_inflation_is_what_simulated_searches_lose_when_they_are_repeated(n, noise, spread):
    rng = np.random.default_rng(0)
    means = rng.normal(0.7, spread, (20_000, n))
    scores = means + rng.normal(0, noise, means.shape)
    lost = np.take_along_axis(scores - means, scores.argmax(axis=1, keepdims=True), axis=1).mean()
    assert search.expected_inflation(n, noise, spread) == pytest.approx(lost, abs=0.02)


def test_brackets_are_those_of_the_source():
    # Table 1 of arXiv 1603.06560, R = 81 and a factor of 3; rounded up where the source rounds down.
    brackets = search.hyperband_brackets(81, 3)
    assert brackets[0] == [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)]
    assert [bracket[0] for bracket in brackets] == [(81, 1), (34, 3), (15, 9), (8, 27), (5, 81)]
    with pytest.raises(ValueError, match="factor 1"):
        search.hyperband_brackets(9, 1)


@given(
    seed=st.integers(0, 999),
    n=st.integers(2, 9),
    d=st.integers(1, 3),
    length=st.floats(0.1, 3),
    noise=st.floats(0.01, 1),
)
@settings(deadline=None, max_examples=40)
def test_the_gaussian_process_agrees_with_scikit_learn(seed, n, d, length, noise):
    rng = np.random.default_rng(seed)
    x, y, places = rng.uniform(size=(n, d)), rng.normal(3, 2, n), rng.uniform(size=(6, d))
    theirs = GaussianProcessRegressor(
        kernels.Matern(length, nu=2.5), alpha=noise, normalize_y=True, optimizer=None
    ).fit(x, y)
    ours = search.GaussianProcess(length_scales=[length], noise=noise).fit(x, y)
    for mine, other in zip(ours.predict(places, True), theirs.predict(places, return_std=True), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.predict(places), theirs.predict(places))


def test_the_gaussian_process_takes_the_likeliest_of_its_length_scales():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(12, 2))
    y = np.sin(5 * x[:, 0]) + x[:, 1]
    scales = (0.05, 0.5, 5.0)
    likelihood = {
        scale: GaussianProcessRegressor(kernels.Matern(scale, nu=2.5), alpha=0.01, normalize_y=True, optimizer=None)
        .fit(x, y)
        .log_marginal_likelihood_value_
        for scale in scales
    }
    found = search.GaussianProcess(length_scales=scales, noise=0.01).fit(x, y).length_scale
    assert found == max(likelihood, key=likelihood.get)
    with pytest.raises(ValueError, match="must be above 0"):
        search.GaussianProcess(noise=0)


@given(
    trials=st.lists(st.tuples(st.floats(0.1, 9), st.floats(0, 1)), min_size=1, max_size=12),
    at=st.lists(st.floats(0, 60), min_size=1, max_size=5),
)
@settings(deadline=None)
def test_the_best_so_far_counts_the_trials_that_were_over(trials, at):
    costs, scores = zip(*trials, strict=True)
    for amount, best in zip(at, search.best_so_far(costs, scores, at), strict=True):
        over = [score for end, score in zip(itertools.accumulate(costs), scores, strict=True) if end <= amount + 1e-9]
        assert np.isnan(best) if not over else best == max(over)


def test_a_trial_without_a_cost_is_refused():
    with pytest.raises(ValueError, match="1 costs and 2 scores"):
        search.best_so_far([1.0], [0.5, 0.6], [1.0])


@pytest.mark.parametrize(("amount", "unit", "reason"), [(0, "epochs", "spent before"), (5, "hours", "seconds, epochs")])
def test_a_budget_that_cannot_be_is_refused(amount, unit, reason):
    with pytest.raises(ValueError, match=reason):
        search.Budget(amount, unit)


def little_networks(seed=0):
    lesson.seed_everything(0)
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = rng.integers(0, 120, (60, 8, 8, 1)) + 60 * labels[:, None, None, None]
    data = datasets.Dataset("grey", images.astype("uint8"), labels, ("a", "b", "c"), "drawn")
    return search.SmallNetworks(data.take(slice(0, 40)), data.take(slice(40, 60)), SPACE, batch_size=10, seed=seed)


@pytest.fixture(scope="module")
def networks():
    return little_networks()


def test_a_training_depends_on_its_seed_and_setting_alone(networks):
    def course(rate, seed):
        model = networks.fresh(2, 4, rate, seed=seed)
        return networks.learn(model, seed=seed, epochs=2).history["loss"]

    first = course(0.1, 3)
    other_rate, other_seed = course(0.01, 3), course(0.1, 4)
    assert course(0.1, 3) == first
    assert other_rate != first
    assert other_seed != first


def test_fresh_weights_have_the_variance_of_their_initialiser_and_the_optimiser_is_empty(networks):
    networks.learn(networks.fresh(2, 4, 0.1, seed=1), seed=1)
    model = networks.fresh(2, 4, 0.03, seed=2)
    kernel = model.layers[-1].kernel.numpy()
    assert kernel.std() == pytest.approx(np.sqrt(2 / kernel.shape[0]), rel=0.5)
    values = {variable.path: variable.numpy() for variable in model.optimizer.variables}
    assert float(model.optimizer.learning_rate) == pytest.approx(0.03)
    assert all(not value.any() for path, value in values.items() if "learning_rate" not in path)


def test_compile_all_leaves_no_architecture_to_be_compiled_within_a_trial(networks):
    networks.compile_all()
    assert {kind[2:] for kind in networks.compiled} == {(1, 4), (2, 4)}
    assert all(model.train_function is not None for model in networks.compiled.values())


def test_a_space_without_a_rate_is_refused(networks):
    with pytest.raises(ValueError, match="depth, width and rate"):
        search.SmallNetworks(networks.train, networks.validation, {"depth": (1,), "width": (4,)}, batch_size=10)


def searched(networks, folder, *, kind="random", amount=6, **how):
    tuner = search.tuner(kind, networks, search.Budget(amount, "epochs"), folder=folder, epochs=2, **how)
    tuner.search(epochs=2, verbose=0)
    return tuner


@pytest.mark.parametrize("kind", search.KINDS)
def test_a_search_ends_when_its_budget_is_spent(networks, tmp_path, kind):
    tuner = searched(networks, tmp_path / kind, kind=kind, amount=7, initial_points=3)
    costs = [trial.epochs for trial in search.trials(tuner)]
    assert sum(costs[:-1]) < 7 <= sum(costs)
    assert all(0 < trial.proposal_seconds < trial.seconds for trial in search.trials(tuner))
    assert all(trial.seed is None for trial in search.trials(tuner))
    assert all(set(trial.setting) == set(SPACE) for trial in search.trials(tuner))


def test_a_budget_of_seconds_ends_a_search_too(networks, tmp_path):
    tuner = search.tuner("random", networks, search.Budget(1e-6), folder=tmp_path / "s", epochs=1)
    tuner.search(epochs=1, verbose=0)
    assert len(search.trials(tuner)) == 1


def test_the_score_is_that_of_the_last_epoch_and_so_are_the_weights(networks, tmp_path):
    tuner = searched(networks, tmp_path / "last", amount=2)
    (trial,) = search.trials(tuner)
    model = networks.build(tuner.oracle.trials[trial.name].hyperparameters)
    history = networks.fit(tuner.oracle.trials[trial.name].hyperparameters, model, epochs=2).history
    assert trial.score == pytest.approx(history["val_accuracy"][-1])
    (kept,) = tuner.get_best_models()
    assert kept.evaluate(networks.judged, verbose=0)[1] == pytest.approx(trial.score)


def test_a_finished_search_is_not_searched_again_and_goes_on_with_a_larger_budget(networks, tmp_path, capsys):
    first = search.trials(searched(networks, tmp_path / "s"))
    capsys.readouterr()
    assert search.trials(searched(networks, tmp_path / "s")) == first
    more = search.trials(searched(networks, tmp_path / "s", amount=10))
    assert more[:3] == first
    assert len(more) == 5
    assert capsys.readouterr().out == ""


def test_an_interrupted_search_repeats_no_finished_trial_and_ends_as_if_it_had_not_been(networks, tmp_path):
    whole = search.trials(searched(networks, tmp_path / "whole", seed=3))
    begun, fit = [], networks.fit

    def interrupted(hp, model, **keywords):
        begun.append(hp.values["rate"])
        if len(begun) == 2:
            raise KeyboardInterrupt
        return fit(hp, model, **keywords)

    networks.fit = interrupted
    try:
        with pytest.raises(KeyboardInterrupt):
            searched(networks, tmp_path / "stopped", seed=3)
        resumed = search.trials(searched(networks, tmp_path / "stopped", seed=3))
    finally:
        del networks.fit
    assert [(trial.setting, trial.score) for trial in resumed] == [(trial.setting, trial.score) for trial in whole]
    rates = [trial.setting["rate"] for trial in whole]
    assert begun == [rates[0], rates[1], rates[1], rates[2]]


PROGRAM = """
import sys, time
sys.path.insert(0, {tests!r})
from cnn_course import startup
startup.start_tensorflow_quietly()
from pathlib import Path
from test_search import little_networks, searched
networks = little_networks()
begun, fit = [], networks.fit
def slow(hp, model, **keywords):
    begun.append(hp.values["rate"])
    if len(begun) == 3:
        print("in the middle", flush=True)
        time.sleep(600)
    return fit(hp, model, **keywords)
networks.fit = slow
searched(networks, Path({folder!r}), seed=3, amount=8)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL.")
def test_a_killed_search_goes_on_in_another_process(networks, tmp_path):
    program = PROGRAM.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "killed"))
    with open(tmp_path / "errors.txt", "w") as errors:
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=errors, text=True)
        said = [line for line in child.stdout if os.kill(child.pid, signal.SIGKILL) is None]
        assert child.wait() == -signal.SIGKILL, (tmp_path / "errors.txt").read_text()
    assert said == ["in the middle\n"]
    stored = {path: path.stat().st_mtime_ns for path in (tmp_path / "killed").glob("trial_*/checkpoint*")}
    assert len(stored) == 2
    time.sleep(0.01)
    resumed = search.trials(searched(networks, tmp_path / "killed", seed=3, amount=8))
    whole = search.trials(searched(networks, tmp_path / "whole", seed=3, amount=8))
    assert [(trial.setting, trial.score) for trial in resumed] == [(trial.setting, trial.score) for trial in whole]
    assert {path: path.stat().st_mtime_ns for path in stored} == stored


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    space = {"depth": (1, 2, 3, 4), "width": (8, 16, 32), "rate": (0.01, 0.03, 0.1, 0.3)}
    scores = np.sort(rng.uniform(size=(4, 3, 4, 5, 4)), axis=-1)
    return search.Table(space, scores, scores[..., -1] - 0.1, rng.uniform(1, 2, (4, 3, 4)))


@pytest.mark.parametrize("kind", search.KINDS)
@pytest.mark.parametrize("budget", [search.Budget(30, "epochs"), search.Budget(45.0)])
def test_a_search_in_a_table_finds_what_is_in_it_within_the_budget(table, kind, budget):
    trials = search.look_up(kind, table, budget, seed=2)
    costs = [getattr(trial, budget.unit) for trial in trials]
    assert sum(costs[:-1]) < budget.amount <= sum(costs)
    for trial in trials:
        place = table.place(trial.setting)
        assert trial.score in table.scores[place]
        assert trial.seconds == pytest.approx(trial.epochs * table.seconds[place])


def test_a_trial_of_hyperband_that_goes_on_is_the_same_training(table):
    trials = search.look_up("hyperband", table, search.Budget(30, "epochs"), seed=1)
    longest = [trial for trial in trials[:7] if trial.score in table.scores[table.place(trial.setting)][:, 3]]
    (last,) = longest
    (which,) = np.flatnonzero(table.scores[table.place(last.setting)][:, 3] == last.score)
    own = table.scores[table.place(last.setting)][which]
    assert [trial.score for trial in trials if trial.setting == last.setting][:3] == [own[0], own[1], own[3]]
    assert [trial.epochs for trial in trials if trial.setting == last.setting][:3] == [1, 1, 2]


def test_a_bayesian_search_goes_where_the_bound_is_largest(table):
    trials = search.look_up("bayesian", table, search.Budget(28, "epochs"), seed=5, initial_points=5, noise=0.2)
    sizes = [len(values) for values in table.space.values()]

    def places(settings):
        return np.array([[(k + 0.5) / n for k, n in zip(each, sizes, strict=True)] for each in settings])

    for done in (5, 6):
        process = search.GaussianProcess(noise=0.2)
        process.fit(places(table.place(trial.setting) for trial in trials[:done]), [t.score for t in trials[:done]])
        mean, deviation = process.predict(places(np.ndindex(*sizes)), return_std=True)
        best = np.unravel_index(np.argmax(mean + 2.6 * deviation), sizes)
        assert table.place(trials[done].setting) == best


def test_its_noise_is_the_one_that_keras_tuner_takes():
    theirs = inspect.signature(keras_tuner.oracles.BayesianOptimizationOracle).parameters["alpha"].default
    assert inspect.signature(search.look_up).parameters["noise"].default == theirs


@pytest.mark.parametrize("kind", search.KINDS)
def test_a_trial_says_which_training_of_the_table_it_is(table, kind):
    done = {}  # epochs that each training has had
    for trial in search.look_up(kind, table, search.Budget(30, "epochs"), seed=3):
        place = (*table.place(trial.setting), trial.seed)
        begun = done.get(place, 0) if kind == "hyperband" else 0
        done[place] = int(begun + trial.epochs)
        assert trial.score == table.scores[place][done[place] - 1]


def test_the_trainings_that_a_search_gets_differ_from_seed_to_seed(table):
    patterns = {
        tuple(trial.seed for trial in search.look_up("random", table, search.Budget(40, "epochs"), seed=seed))
        for seed in range(50)
    }
    assert len(patterns) == 50
    assert np.bincount(np.ravel(list(patterns)), minlength=5).min() >= 70  # of 500 draws among five trainings


def test_proposals_are_paid_for_by_the_trials_that_the_gaussian_process_chose(table):
    budget, options = search.Budget(28, "epochs"), {"seed": 2, "initial_points": 4}
    free, paid = (search.look_up("bayesian", table, budget, proposal_seconds=s, **options) for s in (0.0, 3.0))
    assert [trial.proposal_seconds for trial in paid] == [0, 0, 0, 0, 3, 3, 3]
    assert [trial.seconds - trial.proposal_seconds for trial in paid] == pytest.approx([t.seconds for t in free])
    assert [(trial.setting, trial.score) for trial in paid] == [(trial.setting, trial.score) for trial in free]
    at_random = search.look_up("random", table, budget, proposal_seconds=3.0)
    assert {trial.proposal_seconds for trial in at_random} == {0}


def test_what_ended_after_the_budget_was_spent_does_not_count():
    trials = [search.Trial(str(k), {}, 0.1 * k, epochs=2, seconds=1.5) for k in range(3)]
    assert search.ended_within(trials, search.Budget(6, "epochs")) == trials
    assert search.ended_within(trials, search.Budget(5, "epochs")) == trials[:2]
    assert search.ended_within(trials, search.Budget(1.4)) == []


def test_brackets_are_those_that_keras_tuner_runs(table):
    expected = []
    for bracket in search.hyperband_brackets(4, 2):
        done = 0
        for count, epochs in bracket:
            expected += [epochs - done] * count
            done = epochs
    trials = search.look_up("hyperband", table, search.Budget(sum(expected), "epochs"), seed=4)
    assert [trial.epochs for trial in trials] == expected


def test_neighbouring_seeds_give_other_searches_although_keras_tuner_would_repeat_them(table):
    budget = search.Budget(40, "epochs")
    zero, one, three = (
        [tuple(trial.setting.values()) for trial in search.look_up("random", table, budget, seed=seed)]
        for seed in (0, 1, 3)
    )
    assert search.look_up("random", table, budget) == search.look_up("random", table, budget)
    assert zero != one
    assert zero[1:4] != three[:3]
    space = keras_tuner.HyperParameters()
    for name, values in table.space.items():
        space.Choice(name, list(values))
    oracles = [
        keras_tuner.oracles.RandomSearchOracle(search.OBJECTIVE, hyperparameters=space, seed=seed) for seed in (1, 4)
    ]
    first, shifted = ([oracle.populate_space(str(k))["values"] for k in range(4)] for oracle in oracles)
    assert first[1:] == shifted[:-1]


def test_a_kind_that_does_not_exist_is_refused(table):
    with pytest.raises(ValueError, match="'grid'; it is one of random, hyperband, bayesian"):
        search.look_up("grid", table, search.Budget(10, "epochs"))


def stored_table():
    settings = [dict(zip(SPACE, values, strict=True)) for values in itertools.product(*SPACE.values())]
    runs = [
        {**setting, "val_accuracy": [[0.1, k / 10], [0.2, k / 5]], "test_accuracy": [0.1, k / 10], "seconds": 4.0}
        for k, setting in enumerate(settings)
    ]
    return {"space": SPACE, "settings": {"epochs": 2}, "runs": runs[::-1]}


def test_a_stored_table_is_read_whatever_the_order_of_its_runs():
    table = search.Table.of(stored_table())
    assert (table.seeds, table.epochs) == (2, 2)
    assert table.scores.shape == (2, 1, 2, 2, 2)
    assert table.mean({"depth": 2, "width": 4, "rate": 0.1}) == pytest.approx(0.45)
    assert table.mean({"depth": 2, "width": 4, "rate": 0.1}, without=1) == pytest.approx(0.3)
    assert table.tested[1, 0, 1].tolist() == [0.1, 0.3]
    assert table.seconds[0, 0, 0] == 2


def test_a_table_with_a_hole_says_what_is_missing_and_how_to_fill_it():
    stored = stored_table()
    stored["runs"].pop()
    with pytest.raises(ValueError, match=r"1 of the table's 4 settings .*'rate': 0\.01.*shapes10_search_table"):
        search.Table.of(stored)


def test_arrays_that_do_not_fit_the_space_are_refused(table):
    with pytest.raises(ValueError, match=r"In a space of \(4, 3, 4\) values"):
        search.Table(table.space, table.scores, table.tested, table.seconds[..., None])
