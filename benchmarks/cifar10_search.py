"""Search for depth, width and learning rate on CIFAR-10 in four ways, each with the same seconds; several seeds.

    plain       settings drawn at random, one training after the other, without KerasTuner
    random      KerasTuner's RandomSearch
    hyperband   KerasTuner's Hyperband
    bayesian    KerasTuner's BayesianOptimization, as it comes

The seconds are those of the clock, proposals included and compiling not: an architecture is compiled before its first
trial, outside the count. The networks learn from 10,000 images and are chosen by 5,000 others. The winner of each
search, the best trial that ended within its seconds, is trained again with three new seeds and judged by the 10,000
test images. Every finished search is stored at once in results/cifar10_search.json; started again, the script goes on
with the searches that are missing, and with the one that was interrupted. Run it alone on the machine.

    python benchmarks/cifar10_search.py
"""

import time
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, chosen, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("plain", "random", "hyperband", "bayesian")
SPACE = {"depth": (2, 3, 4), "width": (8, 16, 32), "rate": (0.003, 1.0)}
SETTINGS = {"train_size": 10_000, "validation_size": 5000, "batch_size": 100, "new_seeds": 3}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_search.json")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Of the searches and of TensorBoard; by default a cache."
)
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--kind", "only", multiple=True, help="A kind to run, instead of all; can be given again.")
@click.option("--seconds", default=240, show_default=True, type=click.IntRange(1), help="Of each search.")
@click.option("--epochs", default=8, show_default=True, type=click.IntRange(1), help="Of the longest trials.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many searches; start again for the others.")
def main(
    out: Path, folder: Path | None, seeds: tuple[int, ...], only: tuple[str, ...], at_most: int | None, **settings: Any
) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets, lesson

    kinds = chosen(only, KINDS, "--kind")
    folder = folder or lesson.cache_folder() / "cifar10_search"
    runs = complete(
        out,
        {
            "what": "Trials of four searches for depth, width and learning rate within equal seconds: setting, last "
            "validation accuracy, epochs and seconds of each; the winner's validation and test accuracy, new seeds.",
            "settings": {**settings, **SETTINGS, "space": SPACE},
        },
        [{"kind": kind, "seed": seed} for seed in seeds for kind in kinds],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _measured(dataset, job["kind"], job["seed"], folder=folder, **settings),
        tell=lambda run: (
            f"{run['kind']}, seed {run['seed']}: {len(run['trials'])} trials, reported {run['reported']:.4f}, "
            f"new seeds {sum(run['repeated']) / len(run['repeated']):.4f}, test {run['test_accuracy']:.4f}"
        ),
        at_most=at_most,
    )
    tell_means(runs, "kind", accuracy=lambda run: run["reported"])
    tell_means(runs, "kind")


def _measured(dataset: Any, kind: str, seed: int, *, folder: Path, seconds: int, epochs: int) -> dict[str, Any]:
    """Do one search and train its winner again; return what was measured."""
    import keras

    from cnn_course import lesson, search, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    train, validation, test = dataset.split(SETTINGS["train_size"], SETTINGS["validation_size"], seed=0)
    networks = search.SmallNetworks(train, validation, SPACE, batch_size=SETTINGS["batch_size"], seed=seed)
    networks.compile_all()
    budget = search.Budget(seconds)
    if kind == "plain":
        trials = _plain(networks, budget, seed, epochs)
    else:
        place = folder / f"{kind}-{seed}-{seconds}s-{epochs}epochs"
        tuner = search.tuner(kind, networks, budget, folder=place, epochs=epochs, seed=seed, factor=2)
        board = keras.callbacks.TensorBoard(place / "board", write_graph=False)
        tuner.search(epochs=epochs, verbose=0, callbacks=[board])
        trials = search.trials(tuner)
    in_time = search.ended_within(trials, budget) or trials  # the last trial is finished after the budget is spent
    best = max(in_time, key=lambda trial: trial.score)
    repeated, tested = [], []
    for k in range(SETTINGS["new_seeds"]):
        new_seed = 900_000 + 1000 * seed + k
        model = networks.fresh(**best.setting, seed=new_seed)
        repeated.append(networks.learn(model, seed=new_seed, epochs=epochs).history["val_accuracy"][-1])
        tested.append(training.accuracy_by_views(model, test, (1,))[1])
    return {
        "trials": [
            {
                "setting": trial.setting,
                "score": round(trial.score, 4),
                "epochs": trial.epochs,
                "seconds": round(trial.seconds, 2),
            }
            for trial in trials
        ],
        "best": best.setting,
        "reported": round(best.score, 4),
        "repeated": [round(value, 4) for value in repeated],
        "tested": [round(value, 4) for value in tested],
        "test_accuracy": round(sum(tested) / len(tested), 4),
        "seconds": round(sum(trial.seconds for trial in trials), 1),
    }


def _plain(networks: Any, budget: Any, seed: int, epochs: int) -> list[Any]:
    """Draw settings and train each to the end until the budget is spent; the last training is finished."""
    import numpy as np

    from cnn_course import search

    rng = np.random.default_rng(seed)
    low, high = SPACE["rate"]
    trials, spent = [], 0.0
    while spent < budget.amount:
        began = time.perf_counter()
        setting = {name: int(rng.choice(SPACE[name])) for name in ("depth", "width")}
        setting["rate"] = float(low * (high / low) ** rng.random())
        own_seed = 1000 * seed + len(trials)
        model = networks.fresh(**setting, seed=own_seed)
        score = networks.learn(model, seed=own_seed, epochs=epochs).history["val_accuracy"][-1]
        seconds = time.perf_counter() - began
        trials.append(search.Trial(f"{len(trials):04d}", setting, float(score), epochs, seconds))
        spent += seconds
    return trials


if __name__ == "__main__":
    main()
