"""Train the five-minute recipe of lesson 04 on CIFAR-10 in several number formats, from the same seeds.

Each network learns from all 50,000 training images, and is judged on the test images once, after the last epoch. Every
finished run is stored at once in results/cifar10_precision.json; started again, the script goes on with the runs that
are missing. Nothing was tuned for a format: the recipe is that of bfloat16 in all of them.

float16 belongs on a GPU. A processor whose convolutions emulate it takes hours for it, so that it has to be asked for
(``--dtype``).

    python benchmarks/cifar10_precision.py
"""

import dataclasses
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, chosen, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
FORMATS = ("float32", "mixed_bfloat16", "mixed_float16")
USUAL = FORMATS[:2]


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_precision.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--dtype", "only", multiple=True, help="A format to run, instead of the first two; can be given again.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], only: tuple[str, ...], at_most: int | None) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets, training

    formats = chosen(only or USUAL, FORMATS, "--dtype")
    recipe = training.FAST_RECIPES["five minutes"]
    runs = complete(
        out,
        {
            "what": "The five-minute recipe in several number formats: test accuracy (one view) after the last epoch.",
            "settings": {name: value for name, value in dataclasses.asdict(recipe).items() if name != "dtype"},
        },
        [{"dtype": dtype, "seed": seed} for seed in seeds for dtype in formats],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _trained(dataset, dataclasses.replace(recipe, dtype=job["dtype"]), job["seed"]),
        tell=lambda run: (
            f"{run['dtype']}, seed {run['seed']}: test accuracy {run['test_accuracy']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    tell_means(runs, "dtype")


def _trained(dataset: Any, recipe: Any, seed: int) -> dict[str, Any]:
    """Train one network; return its accuracy on the test images, and the seconds and losses of its training."""
    import keras

    from cnn_course import lesson, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    splits = dataset.split(validation_size=0, seed=seed)
    model, history = training.train_fast(recipe, splits.train, seed=seed)
    return {
        "test_accuracy": round(training.accuracy_by_views(model, splits.test, (1,))[1], 4),
        "seconds": round(sum(history["seconds"]), 1),
        "loss": [round(value, 4) for value in history["loss"]],
    }


if __name__ == "__main__":
    main()
