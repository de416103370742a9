"""Train the fast recipes of lesson 04 on CIFAR-10 over several seeds, and judge their last weights on the test images.

Every finished run is stored at once in results/cifar10_recipes.json; started again, the script goes on with the runs
that are missing. The recipes are cnn_course.training.FAST_RECIPES, which says how they were chosen; no test image had a
say. Here each network learns from all 50,000, no image is held out, and the test images are looked at once, after the
last epoch.

    python benchmarks/cifar10_recipes.py
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, chosen, complete

ROOT = Path(__file__).resolve().parents[1]


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_recipes.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--recipe", "only", multiple=True, help="A recipe to run, instead of all; can be given again.")
@click.option("--weights", type=click.Path(path_type=Path, file_okay=False), help="Folder for half-precision weights.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], only: tuple[str, ...], weights: Path | None, at_most: int | None) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets, training

    names = chosen(only, training.FAST_RECIPES, "--recipe")
    runs = complete(
        out,
        {
            "what": "The fast recipes: trained on all 50,000 training images, last epoch, 10,000 test images, by the "
            "number of views of each test image.",
        },
        [
            {"recipe": name, "seed": seed, "settings": asdict(training.FAST_RECIPES[name])}
            for name in names
            for seed in seeds
        ],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _trained(dataset, job["recipe"], job["seed"], weights),
        tell=lambda run: (
            f"{run['recipe']}, seed {run['seed']}: test accuracy "
            f"{' / '.join(f'{value:.4f}' for value in run['test_accuracy'].values())} "
            f"with 1 / 2 / 6 views, {run['seconds']:.0f} s of training"
        ),
        at_most=at_most,
    )
    _summarise(runs)


def _trained(dataset: Any, name: str, seed: int, weights: Path | None) -> dict[str, Any]:
    """Train one network and return its size, its accuracy on the test images and what training alone took.

    The seconds include the building of the network, its whitening and its compilation. The processor seconds of all
    cores together say how busy the machine was with other work: on two free cores they are nearly twice the seconds.
    """
    import keras

    from cnn_course import lesson, models, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    splits = dataset.split(validation_size=0, seed=seed)
    began = time.process_time()
    model, history = training.train_fast(training.FAST_RECIPES[name], splits.train, seed=seed)
    processor_seconds = time.process_time() - began
    accuracy = training.accuracy_by_views(model, splits.test)
    if weights:
        weights.mkdir(parents=True, exist_ok=True)
        models.save_weights(model, weights / f"{name.replace(' ', '_').replace(',', '')}_seed{seed}.npz")
    return {
        "parameters": model.count_params(),
        "test_accuracy": {str(views): round(value, 4) for views, value in accuracy.items()},
        "seconds": round(sum(history["seconds"]), 1),
        "processor_seconds": round(processor_seconds, 1),
        "seconds_by_epoch": [round(value, 1) for value in history["seconds"]],
        "loss": [round(value, 4) for value in history["loss"]],
    }


def _summarise(runs: list[dict[str, Any]]) -> None:
    """Print one line for each recipe: the mean and the range of its seeds' accuracies, by views."""
    for name in dict.fromkeys(run["recipe"] for run in runs):
        own = [run for run in runs if run["recipe"] == name]
        click.echo(f"{name}: {own[0]['parameters']:,} parameters, at most {max(run['seconds'] for run in own):.0f} s")
        for views in own[0]["test_accuracy"]:
            values = [run["test_accuracy"][views] for run in own]
            mean = sum(values) / len(values)
            click.echo(f"    views {views}: mean {mean:.4f}, from {min(values):.4f} to {max(values):.4f}")


if __name__ == "__main__":
    main()
