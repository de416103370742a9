"""Train the small CNN of lesson 03 on CIFAR-10 with each kind of regularisation, over several seeds.

Every finished run is stored at once in results/cifar10_regularisation.json; started again, the script goes on with the
runs that are missing. A tenth of the training images keeps it affordable on two CPU cores, and is few enough for the
net to overfit. Nothing is chosen by looking at test images: each run ends after the same number of epochs, and its last
weights are judged.

    python benchmarks/cifar10_regularisation.py
"""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from provenance import provenance

ROOT = Path(__file__).resolve().parents[1]


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_regularisation.json")
@click.option("--seeds", default="0,1,2", show_default=True, help="Whole numbers, with commas between them.")
@click.option("--train-size", default=5_000, show_default=True, type=click.IntRange(1), help="Training images.")
@click.option("--validation-size", default=2_000, show_default=True, type=click.IntRange(1), help="For the curves.")
@click.option("--epochs", default=24, show_default=True, type=click.IntRange(1))
@click.option("--batch-size", default=50, show_default=True, type=click.IntRange(1))
@click.option("--peak-rate", default=1e-3, show_default=True, type=float, help="Adam's rate at the triangle's top.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: str, at_most: int | None, **settings: Any) -> None:
    try:
        wanted = [int(seed) for seed in seeds.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"{seeds!r} is not a list of whole numbers such as 0,1,2.", param_hint="--seeds"
        ) from None
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets, training

    stored = _opened(out, settings)
    done = {(run["variant"], run["seed"]) for run in stored["runs"]}
    missing = [(name, seed) for seed in wanted for name in training.ABLATION if (name, seed) not in done][:at_most]
    if not missing:
        click.echo(f"All {len(done)} runs are in {out}.")
        return
    dataset = datasets.load("cifar10")
    stored["data"] = {"name": dataset.name, "checksum": dataset.checksum, "origin": dataset.origin}
    began = time.time()
    for k, (name, seed) in enumerate(missing, start=1):
        result = _trained(dataset, training.ABLATION[name], seed, settings)
        stored["runs"].append({"variant": name, "seed": seed, **result})
        _store(out, stored)
        left = (time.time() - began) / k * (len(missing) - k)
        click.echo(
            f"{k}/{len(missing)}  {name}, seed {seed}: test accuracy {result['test_accuracy']:.4f}, "
            f"training {result['train_accuracy']:.4f}, {result['seconds']:.0f} s; {left / 60:.0f} min left"
        )


def _opened(out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what ``out`` holds so far, or the beginning of it; refuse a file that was made with other settings."""
    from cnn_course import training

    variants = {name: asdict(variant) for name, variant in training.ABLATION.items()}
    fresh = {
        "what": "The small CNN of lesson 03 on a stratified part of CIFAR-10, last epoch, official test images.",
        "settings": settings,
        "variants": variants,
        "runs": [],
    }
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        return fresh
    stored = json.loads(out.read_text(encoding="utf-8"))
    if stored["settings"] != settings or stored["variants"] != variants:
        raise click.ClickException(
            f"{out} was made with other settings ({stored['settings']}). Give another --out, or remove the file."
        )
    return stored


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


def _store(out: Path, stored: dict[str, Any]) -> None:
    """Write the runs so far with where they come from."""
    from cnn_course import lesson

    stored["provenance"] = provenance()
    lesson.write_json(out, stored)


if __name__ == "__main__":
    main()
