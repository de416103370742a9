"""KerasTuner's three searches within a budget, over networks that are trained or over a table."""

import contextlib
import gc
import io
import itertools
import math
import tempfile
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from cnn_course.search.networks import SmallNetworks, Table
from cnn_course.search.theory import GaussianProcess

UNITS = ("seconds", "epochs")
# KerasTuner's own objective "val_accuracy" would be the best of a trial's epochs, which is one more choice by the same
# images. Under a name of ours the score is that of the last epoch, and so are the weights that KerasTuner keeps.
OBJECTIVE = keras_tuner.Objective("score", "max")


@dataclass(frozen=True)
class Budget:
    """What a search may spend: seconds of the clock, those of the proposals included, or epochs of training."""

    amount: float
    unit: str = "seconds"

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ValueError(f"unit is {self.unit!r}; it is one of {', '.join(UNITS)}.")
        if not self.amount > 0:
            raise ValueError(f"A budget of {self.amount} {self.unit} is spent before the first trial.")


@dataclass(frozen=True)
class Trial:
    """One training within a search: its setting, its score, and what it cost.

    Args:
        name: By which KerasTuner knows it.
        setting: The value of each hyperparameter.
        score: Validation accuracy after its last epoch.
        epochs: Those that were trained for it; a trial that goes on from another one pays for the rest alone.
        seconds: What it took, the proposal included.
        proposal_seconds: How many of these passed before the training began.
        seed: In a :class:`Table`, which of the setting's trainings it is, counted from 0.
    """

    name: str
    setting: dict[str, float]
    score: float
    epochs: float
    seconds: float
    proposal_seconds: float = 0.0
    seed: int | None = None


class _WithinBudget:
    """A tuner that asks for no more trials once its budget is spent. The one under way is always finished.

    What a trial cost is stored with the trial, so that a search that is resumed knows what it has spent.
    """

    def __init__(self, *args: Any, budget: Budget, **keywords: Any) -> None:
        self.budget = budget
        super().__init__(*args, **keywords)

    def search(self, *args: Any, **keywords: Any) -> None:
        # KerasTuner collects garbage twice before each trial, among all objects of TensorFlow: longer than a tiny
        # network trains. What there is now is left alone until the search is over.
        gc.freeze()
        try:
            with warnings.catch_warnings():
                # scikit-learn warns where a length scale ends at its limit; the proposals are as good.
                warnings.simplefilter("ignore", ConvergenceWarning)
                super().search(*args, **keywords)
        finally:
            gc.unfreeze()

    def pre_create_trial(self) -> None:
        self.asked = time.perf_counter()
        if sum(getattr(each, self.budget.unit) for each in trials(self)) >= self.budget.amount - 1e-9:
            self.oracle.max_trials = len(self.oracle.trials)

    def run_trial(self, trial: Any, *args: Any, **keywords: Any) -> dict[str, float]:
        proposal_seconds = time.perf_counter() - self.asked
        (history,) = super().run_trial(trial, *args, **keywords)
        return {
            OBJECTIVE.name: float(history.history["val_accuracy"][-1]),
            "epochs": float(len(history.epoch)),
            "seconds": time.perf_counter() - self.asked,
            "proposal_seconds": proposal_seconds,
        }


class _LookedUp(_WithinBudget, keras_tuner.Tuner):
    """A tuner whose trials are read from a :class:`Table`."""

    def __init__(self, *args: Any, table: Table, seed: int, proposal_seconds: float, **keywords: Any) -> None:
        self.table, self.seed, self.proposal_seconds = table, seed, proposal_seconds
        super().__init__(*args, **keywords)

    def run_trial(self, trial: Any, *args: Any, **keywords: Any) -> dict[str, float]:
        values = trial.hyperparameters.values
        first, last = values.get("tuner/initial_epoch", 0), values.get("tuner/epochs", self.table.epochs)
        begun = trial  # a trial that goes on from another one is the same training
        while "tuner/trial_id" in begun.hyperparameters.values:
            begun = self.oracle.get_trial(begun.hyperparameters.values["tuner/trial_id"])
        which = int(np.random.default_rng([self.seed, int(begun.trial_id)]).integers(self.table.seeds))
        place = self.table.place(values)
        at_random = int(trial.trial_id) < getattr(self.oracle, "num_initial_points", math.inf)
        proposal_seconds = 0.0 if at_random else self.proposal_seconds
        return {
            OBJECTIVE.name: float(self.table.scores[place][which, last - 1]),
            "epochs": float(last - first),
            "seconds": float((last - first) * self.table.seconds[place] + proposal_seconds),
            "proposal_seconds": proposal_seconds,
            "seed": float(which),
        }


class _BayesianOverTable(keras_tuner.oracles.BayesianOptimizationOracle):
    """KerasTuner's Bayesian search, in which the upper bound is computed at every setting of a table at once.

    KerasTuner climbs the bound from fifty places, between the settings as well, and fits the length scale with an
    optimiser that starts 21 times: seconds for each proposal. Here the length scale is one of a few. The covariance,
    the noise and the rule are the same.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        done = [trial for trial in self.trials.values() if trial.status == "COMPLETED"]
        if len(done) < self.num_initial_points:
            return super().populate_space(trial_id)  # at random
        space = self.hyperparameters.space
        every = list(itertools.product(*(parameter.values for parameter in space)))

        def places(settings: Iterable[Sequence[float]]) -> np.ndarray:
            return np.array([[p.value_to_prob(v) for p, v in zip(space, each, strict=True)] for each in settings])

        tried = [[trial.hyperparameters.values[parameter.name] for parameter in space] for trial in done]
        self.gpr.fit(places(tried), np.array([trial.score for trial in done]))
        mean, deviation = self.gpr.predict(places(every), return_std=True)
        chosen = every[int(np.argmax(mean + self.beta * deviation))]
        return {"status": "RUNNING", "values": {p.name: v for p, v in zip(space, chosen, strict=True)}}


_TUNERS = {
    "random": keras_tuner.RandomSearch,
    "hyperband": keras_tuner.Hyperband,
    "bayesian": keras_tuner.BayesianOptimization,
}
_ORACLES = {
    "random": keras_tuner.oracles.RandomSearchOracle,
    "hyperband": keras_tuner.oracles.HyperbandOracle,
    "bayesian": _BayesianOverTable,
}
KINDS = tuple(_TUNERS)


def tuner(
    kind: str,
    networks: SmallNetworks,
    budget: Budget,
    *,
    folder: Path,
    epochs: int,
    seed: int = 0,
    factor: int = 2,
    initial_points: int = 5,
) -> keras_tuner.Tuner:
    """Return KerasTuner's tuner of this kind, which stops when the budget is spent: the trial under way is finished.

    Call its ``search(epochs=epochs, verbose=0)``. Where the folder holds a search already, it goes on with that one;
    a trial that was interrupted is done anew, from its beginning.

    Args:
        kind: "random", "hyperband" or "bayesian".
        networks: What to train.
        budget: What all trials together may cost.
        folder: Where KerasTuner keeps its trials, a folder for each search.
        epochs: Those of a trial, for Hyperband of the longest ones.
        seed: Of the choices.
        factor: By which Hyperband divides the trials from round to round.
        initial_points: Random trials before the first that a Gaussian process proposes.
    """
    options = _options(kind, epochs, factor, initial_points, seed)
    tuner_class = type(f"Budgeted{_TUNERS[kind].__name__}", (_WithinBudget, _TUNERS[kind]), {})
    where = {"directory": str(Path(folder).parent), "project_name": Path(folder).name}
    with contextlib.redirect_stdout(io.StringIO()):  # it prints the folder of a search that it goes on with
        return tuner_class(networks, budget=budget, **where, **options)


def look_up(
    kind: str,
    table: Table,
    budget: Budget,
    *,
    seed: int = 0,
    factor: int = 2,
    initial_points: int = 5,
    noise: float = 1e-4,
    proposal_seconds: float = 0.0,
) -> list[Trial]:
    """Run KerasTuner's search of this kind over a table, within the budget, and return its trials.

    Which of a setting's trainings a trial gets is drawn, too.

    Args:
        kind: "random", "hyperband" or "bayesian".
        table: Where the trials are looked up.
        budget: What all trials together may cost.
        seed: Of the choices, and of the trainings; at least 0.
        factor: As for :func:`tuner`.
        initial_points: As for :func:`tuner`.
        noise: That of the Bayesian search's :class:`GaussianProcess`, as a share of the variance of all scores; by
            default KerasTuner's.
        proposal_seconds: What a proposal of KerasTuner's Gaussian process takes. Here it takes next to nothing; these
            seconds are added to those of each trial that the Gaussian process chose.
    """
    options = _options(kind, table.epochs, factor, initial_points, seed)
    choices = keras_tuner.HyperParameters()
    for name, values in table.space.items():
        choices.Choice(name, list(values))
    oracle = _ORACLES[kind](hyperparameters=choices, **options)
    if kind == "bayesian":
        oracle.gpr = GaussianProcess(noise=noise)
    with tempfile.TemporaryDirectory() as folder:
        paid = {"budget": budget, "proposal_seconds": proposal_seconds}
        found = _LookedUp(oracle, table=table, seed=seed, **paid, directory=folder, project_name="table")
        found.search(verbose=0)
        return trials(found)


def trials(tuner: keras_tuner.Tuner) -> list[Trial]:
    """Return the finished trials of a search in the order in which they ended."""
    ended = []
    for name in tuner.oracle.end_order:
        trial = tuner.oracle.trials[name]
        if trial.score is not None:
            values = {key: value for key, value in trial.hyperparameters.values.items() if "/" not in key}
            cost = {key: float(trial.metrics.get_last_value(key)) for key in (*UNITS, "proposal_seconds")}
            seed = int(trial.metrics.get_last_value("seed")) if trial.metrics.exists("seed") else None
            ended.append(Trial(name, values, float(trial.score), **cost, seed=seed))
    return ended


def ended_within(trials: Sequence[Trial], budget: Budget) -> list[Trial]:
    """Return the trials that had ended when the budget was spent: all, or all but the last one.

    Where not even the first one had ended, nothing was found within the budget, and the list is empty.
    """
    ends = itertools.accumulate(getattr(trial, budget.unit) for trial in trials)
    return [trial for trial, end in zip(trials, ends, strict=True) if end <= budget.amount + 1e-9]


def _options(kind: str, epochs: int, factor: int, initial_points: int, seed: int) -> dict[str, Any]:
    """Return the arguments of KerasTuner's tuner or oracle of this kind."""
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; it is one of {', '.join(KINDS)}.")
    # KerasTuner adds 1 to its seed for each number it draws, so that searches with neighbouring seeds share most of
    # their trials, and takes 0 for no seed.
    options = {"objective": OBJECTIVE, "seed": 1 + 100_000 * seed}
    if kind == "hyperband":
        return options | {"max_epochs": epochs, "factor": factor, "hyperband_iterations": None}
    options["max_trials"] = 100_000  # the budget ends the search
    return options | ({"num_initial_points": initial_points} if kind == "bayesian" else {})
