"""Go from the network and training of lesson 03 to the fast recipe of lesson 04, one change a step, on CIFAR-10.

Each rung of the ladder keeps all changes of those before it. All see half of the training images for the same number of
epochs, in batches of the same size, and are judged after the last epoch. Every finished run is stored at once in
results/cifar10_ladder.json; started again, the script goes on with the runs that are missing. The order is fixed and no
rung was tuned: their rates are those of lesson 03 and of the recipe.

    python benchmarks/cifar10_ladder.py
"""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
# What each rung changes in the recipe; "network" is the one thing that is not in it.
CHANGES: dict[str, dict[str, Any]] = {
    "lesson 03": {},
    "bfloat16": {"dtype": "mixed_bfloat16"},
    "fast network": {"network": "fast_network"},
    "whitening": {"whitening": True},
    "identity": {"identity": True},
    "mirroring by turns": {"alternating": True},
    "Muon": {"optimiser": "muon", "kernel_rate": 0.12},
    "label smoothing 0.2": {"smoothing": 0.2},
    "small images first": {"small_epochs": 2},
}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_ladder.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--train-size", default=25_000, show_default=True, type=click.IntRange(1), help="Training images.")
@click.option("--epochs", default=4, show_default=True, type=click.IntRange(1))
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], train_size: int, epochs: int, at_most: int | None) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    rungs = _rungs(epochs)
    runs = complete(
        out,
        {
            "what": "From lesson 03 to the fast recipe, one change a step: test accuracy after the last epoch.",
            "settings": {"train_size": train_size, "epochs": epochs},
            "rungs": {name: {"network": network, **asdict(recipe)} for name, (network, recipe) in rungs.items()},
        },
        [{"rung": name, "seed": seed} for seed in seeds for name in rungs],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _trained(dataset, *rungs[job["rung"]], job["seed"], train_size),
        tell=lambda run: (
            f"{run['rung']}, seed {run['seed']}: test accuracy {run['test_accuracy']['1']:.4f}, "
            f"{run['test_accuracy']['6']:.4f} with 6 views, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    tell_means(runs, "rung", accuracy=lambda run: run["test_accuracy"]["1"])


def _rungs(epochs: int) -> dict[str, tuple[str, Any]]:
    """Return for each rung the name of its network and its recipe."""
    from cnn_course import training

    network, rungs = "cifar_cnn", {}
    recipe = training.FastRecipe(
        widths=(32, 128, 128),
        epochs=epochs,
        batch_size=250,
        optimiser="sgd",
        kernel_rate=0.4,  # lesson 03's rate for batches of 125, in proportion
        smoothing=0.1,
        alternating=False,
        whitening=False,
        identity=False,
        dtype="float32",
    )
    for name, changes in CHANGES.items():
        network = changes.get("network", network)
        recipe = replace(recipe, **{key: value for key, value in changes.items() if key != "network"})
        rungs[name] = (network, recipe)
    return rungs


def _trained(dataset: Any, network: str, recipe: Any, seed: int, train_size: int) -> dict[str, Any]:
    """Train one rung and return its accuracies on the test images and its seconds of training."""
    import keras

    from cnn_course import lesson, models, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    splits = dataset.split(train_size, 0, seed=seed)
    began = time.perf_counter()
    if network == "cifar_cnn":
        keras.config.set_dtype_policy(recipe.dtype)
        model = models.cifar_cnn(dataset.image_shape, len(dataset.class_names), width=48)
        keras.config.set_dtype_policy("float32")
    else:
        model = training.fast_model(recipe, splits.train)
    history = training.fit_recipe(model, recipe, splits.train, seed=seed)
    seconds = time.perf_counter() - began
    accuracy = training.accuracy_by_views(model, splits.test, (1, 6))
    return {
        "parameters": model.count_params(),
        "test_accuracy": {str(views): round(value, 4) for views, value in accuracy.items()},
        "seconds": round(seconds, 1),
        "loss": [round(value, 4) for value in history["loss"]],
    }


if __name__ == "__main__":
    main()
