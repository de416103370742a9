"""Train the networks of lesson 02 on MNIST over several seeds, and judge their last weights on the test images.

Every finished run is stored at once in results/mnist_accuracy.json; started again, the script goes on with the runs
that are missing. The recipes (cnn_course.digits.RECIPES) were chosen by 10,000 of the training images held out;
here each network learns from all 60,000, no image is held out, and the test images are looked at once, after the last
epoch.

    python benchmarks/mnist_accuracy.py
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, chosen, complete

ROOT = Path(__file__).resolve().parents[1]


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "mnist_accuracy.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--recipe", "only", multiple=True, help="A recipe to run, instead of all; can be given again.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], only: tuple[str, ...], at_most: int | None) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets, digits

    names = chosen(only, digits.RECIPES, "--recipe")
    runs = complete(
        out,
        {
            "what": "The networks of lesson 02: trained on all 60,000 training images, last epoch, 10,000 test images.",
            "recipes": {name: asdict(recipe) for name, recipe in digits.RECIPES.items()},
        },
        [{"recipe": name, "seed": seed} for name in names for seed in seeds],
        load=lambda: datasets.load("mnist"),
        run=lambda dataset, job: _trained(dataset, digits.RECIPES[job["recipe"]], job["seed"]),
        tell=lambda run: (
            f"{run['recipe']}, seed {run['seed']}: test accuracy {run['test_accuracy']:.4f}, "
            f"{run['seconds']:.0f} s of training"
        ),
        at_most=at_most,
    )
    _summarise(runs)


def _trained(dataset: Any, recipe: Any, seed: int) -> dict[str, Any]:
    """Train one network and return its size, its accuracy on the test images and what training alone took.

    The processor seconds of all cores together say how busy the machine was with other work: on two cores that were
    free they are up to twice the seconds.
    """
    import keras

    from cnn_course import datasets, digits, lesson

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    splits = dataset.split(validation_size=0, seed=seed)
    began, began_on_processor = time.perf_counter(), time.process_time()
    model, history = digits.train_recipe(recipe, splits.train, seed=seed)
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - began_on_processor
    _, accuracy = model.evaluate(datasets.batches(splits.test, 1000, cache=False), verbose=0)
    return {
        "parameters": model.count_params(),
        "test_accuracy": round(accuracy, 4),
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor_seconds, 1),
        "loss": [round(value, 4) for value in history["loss"]],
    }


def _summarise(runs: list[dict[str, Any]]) -> None:
    """Print one line for each recipe: the mean and the range of its seeds' accuracies."""
    for name in dict.fromkeys(run["recipe"] for run in runs):
        own = [run for run in runs if run["recipe"] == name]
        accuracies = [run["test_accuracy"] for run in own]
        click.echo(
            f"{name:<18} {own[0]['parameters']:>8,} parameters  mean {sum(accuracies) / len(own):.4f}  "
            f"from {min(accuracies):.4f} to {max(accuracies):.4f}  at most {max(run['seconds'] for run in own):.0f} s"
        )


if __name__ == "__main__":
    main()
