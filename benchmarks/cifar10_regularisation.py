"""Train the small CNN of lesson 03 on CIFAR-10 with each kind of regularisation, over several seeds.

Every finished run is stored at once in results/cifar10_regularisation.json; started again, the script goes on with the
runs that are missing. A tenth of the training images keeps it affordable on two CPU cores, and is few enough for the
net to overfit. Nothing is chosen by looking at test images: each run ends after the same number of epochs, and its last
weights are judged.

    python benchmarks/cifar10_regularisation.py
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, complete

ROOT = Path(__file__).resolve().parents[1]


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_regularisation.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--train-size", default=5_000, show_default=True, type=click.IntRange(1), help="Training images.")
@click.option("--validation-size", default=2_000, show_default=True, type=click.IntRange(1), help="For the curves.")
@click.option("--epochs", default=24, show_default=True, type=click.IntRange(1))
@click.option("--batch-size", default=50, show_default=True, type=click.IntRange(1))
@click.option("--peak-rate", default=1e-3, show_default=True, type=float, help="Adam's rate at the triangle's top.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], at_most: int | None, **settings: Any) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets, training

    complete(
        out,
        {
            "what": "The small CNN of lesson 03 on a stratified part of CIFAR-10, last epoch, official test images.",
            "settings": settings,
            "variants": {name: asdict(variant) for name, variant in training.ABLATION.items()},
        },
        [{"variant": name, "seed": seed} for seed in seeds for name in training.ABLATION],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _trained(dataset, training.ABLATION[job["variant"]], job["seed"], settings),
        tell=lambda run: (
            f"{run['variant']}, seed {run['seed']}: test accuracy {run['test_accuracy']:.4f}, "
            f"training {run['train_accuracy']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )


def _trained(dataset: Any, variant: Any, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Train one net and return its curves, its accuracies and the seconds that training and validation took."""
    import keras

    from cnn_course import datasets, lesson, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    splits = dataset.split(settings["train_size"], settings["validation_size"], seed=seed)
    batch_size, epochs = settings["batch_size"], settings["epochs"]
    began = time.perf_counter()
    model, history = training.train_regularised(
        splits.train,
        splits.validation,
        variant,
        epochs=epochs,
        batch_size=batch_size,
        peak_rate=settings["peak_rate"],
        seed=seed,
    )
    seconds = time.perf_counter() - began
    accuracies = {}
    for name, part in (("train", splits.train), ("test", splits.test)):
        _, accuracy = model.evaluate(datasets.batches(part, 500, cache=False), verbose=0)
        accuracies[f"{name}_accuracy"] = round(accuracy, 4)
    curves = {name: [round(value, 4) for value in values] for name, values in history.items()}
    return {**accuracies, "seconds": round(seconds, 1), "curves": curves}


if __name__ == "__main__":
    main()
