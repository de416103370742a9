"""Attention blocks against convolutions that cost as much, on few and on all images of CIFAR-10, several seeds.

    convolution           two 3x3 convolutions, each with a shortcut, above three others
    attention             two attention blocks in their place
    attention, no places  the same without the position embedding

The networks are those of lesson 15, nearly equal in operations. Each learns from 5,000 and from all 50,000 training
images, mirrored and moved, for the same number of steps; which 5,000 they are depends on the seed. They are judged on
the 10,000 test images once, after the last step. The rates are those that the lesson uses. ``--held-out`` judges
training images that were held out instead, to choose by, and with it ``--rate`` sets others. Every finished run is
stored at once in results/cifar10_hybrid.json; started again, the script goes on with the runs that are missing.

    python benchmarks/cifar10_hybrid.py
    python benchmarks/cifar10_hybrid.py --held-out 5000 --rate 3e-3 --rate 1e-2 --out rates.json
"""

import time
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, chosen, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
# What the upper half is, whether places are marked, and the peak of the learning rate.
KINDS = {
    "convolution": ("convolution", True, 1e-2),
    "attention": ("attention", True, 3e-3),
    "attention, no places": ("attention", False, 3e-3),
}
SETTINGS = {"batch_size": 125}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_hybrid.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--sizes", default="5000,50000", show_default=True, type=WholeNumbers(), help="Training images.")
@click.option("--kind", "only", multiple=True, help="A kind to run, instead of all; can be given again.")
@click.option("--steps", default=2400, show_default=True, type=click.IntRange(1), help="Of each training.")
@click.option("--held-out", default=0, show_default=True, help="Judge so many training images instead of the test's.")
@click.option(
    "--rate",
    "rates",
    multiple=True,
    type=click.FloatRange(0, min_open=True),
    help="Peak of the learning rate, instead of each kind's own; can be given again. Needs --held-out.",
)
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(
    out: Path,
    seeds: tuple[int, ...],
    sizes: tuple[int, ...],
    only: tuple[str, ...],
    steps: int,
    held_out: int,
    rates: tuple[float, ...],
    at_most: int | None,
) -> None:
    if rates and not held_out:
        raise click.UsageError("Rates are chosen on held-out images: give --held-out with --rate.")
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    kinds = chosen(only, KINDS, "--kind")
    runs = complete(
        out,
        {
            "what": "Attention against convolutions at equal operations: test accuracy after the last step; where "
            "images were held out, the accuracy on those.",
            "settings": {**SETTINGS, "steps": steps, "held_out": held_out},
            "kinds": KINDS,
        },
        [
            {"kind": kind, "rate": rate, "train_size": size, "seed": seed}
            for seed in seeds
            for size in sizes
            for kind in kinds
            for rate in rates or (KINDS[kind][2],)
        ],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _trained(dataset, **job, steps=steps, held_out=held_out),
        tell=lambda run: (
            f"{run['kind']}, rate {run['rate']:g}, {run['images']:,} images, seed {run['seed']}: "
            f"{'held-out' if held_out else 'test'} accuracy {run['test_accuracy']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    for size in sizes:
        click.echo(f"{size:,} images:")
        own = [run for run in runs if run["train_size"] == size]
        tell_means([{**run, "kind": f"{run['kind']}, {run['rate']:g}"} for run in own], "kind")


def _trained(
    dataset: Any, kind: str, rate: float, train_size: int, seed: int, *, steps: int, held_out: int
) -> dict[str, Any]:
    """Train one network; return its size, its operations, its accuracy and its seconds of training."""
    import keras

    from cnn_course import lesson, models, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    train, validation, test = dataset.split(min(train_size, 50_000 - held_out), held_out, seed=seed)
    upper, position, _ = KINDS[kind]
    network = models.hybrid_cnn(dataset.image_shape, len(dataset.class_names), upper=upper, position=position)
    epochs = max(1, round(steps * SETTINGS["batch_size"] / len(train)))
    began = time.perf_counter()
    history = training.train_one_cycle(
        network,
        train,
        epochs=epochs,
        batch_size=SETTINGS["batch_size"],
        peak_rate=rate,
        augment=training.FlipAndShift(seed=seed),
        seed=seed,
    )
    seconds = time.perf_counter() - began
    judged = validation if held_out else test
    return {
        "parameters": network.count_params(),
        "flops": models.count_flops(network),
        "images": len(train),
        "epochs": epochs,
        "test_accuracy": round(training.accuracy_by_views(network, judged, (1,))[1], 4),
        "seconds": round(seconds, 1),
        "train_accuracy": [round(value, 4) for value in history["accuracy"]],
    }


if __name__ == "__main__":
    main()
