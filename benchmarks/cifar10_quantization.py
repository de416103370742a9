"""Round a ResNet-8 that was trained on CIFAR-10 to 8-bit integers, after its training and during it, several seeds.

Each network learns from all training images as in lesson 08. It is converted to LiteRT, in float32 and in int8 ("after
training"). Then it is trained a little further with folded batch normalisation, from the same weights, on the same
batches, at the same rates: once as it is, and once with fake quantization ("aware"). The one trained further as it is
is the control, in float32 and in int8: what it gains, the other one does not owe to the rounding. All files are judged
on the test images once; a latency is the median of calls with one image on one thread. Nothing was tuned. Every
finished seed is stored at once in results/cifar10_quantization.json; started again, the script goes on with the seeds
that are missing.

    python benchmarks/cifar10_quantization.py
"""

import time
from functools import partial
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
# Rate of the further training as a share of the rate of the training; images from which int8 learns its ranges.
SETTINGS = {"peak_rate": 0.1, "further_rate": 0.01, "representative_size": 100}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_quantization.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--train-size", default=50_000, show_default=True, type=click.IntRange(1), help="Training images.")
@click.option("--epochs", default=12, show_default=True, type=click.IntRange(1))
@click.option("--further-epochs", default=2, show_default=True, type=click.IntRange(1))
@click.option("--batch-size", default=125, show_default=True, type=click.IntRange(1))
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], at_most: int | None, **settings: Any) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    runs = complete(
        out,
        {
            "what": "A ResNet-8 as LiteRT files: bytes, test accuracy, agreement with its float32, latency (ms).",
            "settings": {**settings, **SETTINGS},
        },
        [{"seed": seed} for seed in seeds],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _measured(dataset, job["seed"], **settings),
        tell=lambda run: (
            f"seed {run['seed']}: "
            + ", ".join(f"{name} {file['test_accuracy']:.4f}" for name, file in run["files"].items())
            + f", {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    tell_means(
        ({"file": name, "seconds": run["seconds"], **file} for run in runs for name, file in run["files"].items()),
        "file",
    )


def _measured(
    dataset: Any, seed: int, *, train_size: int, epochs: int, further_epochs: int, batch_size: int
) -> dict[str, Any]:
    """Train one network, convert it in all ways, and return what was measured of each file."""
    import keras
    import numpy as np

    from cnn_course import datasets, lesson, models, quantization, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    train, _, test = dataset.split(train_size, 0, seed=seed)
    began = time.perf_counter()

    def fit(network: keras.Model, rate: float, epochs: int) -> None:
        augment = training.FlipAndShift(seed=seed)
        batches = datasets.batches(train, batch_size, shuffle=seed, augment=augment)
        schedule = training.TriangularSchedule(rate, epochs * len(batches))
        network.compile(
            keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True),
            training.SmoothedCrossentropy(0.1),
            jit_compile=training.JIT_COMPILE,
        )
        network.fit(batches, epochs=epochs, shuffle=False, verbose=0)

    network = models.resnet8()
    fit(network, SETTINGS["peak_rate"], epochs)
    representative = train.images[: SETTINGS["representative_size"]]
    further = quantization.fold_batch_norm(network)
    aware = quantization.quantization_aware(further, representative)  # with weights of its own
    for each in (further, aware):
        fit(each, SETTINGS["peak_rate"] * SETTINGS["further_rate"], further_epochs)
    contents = {
        "float32": quantization.convert(network),
        "int8": quantization.convert(network, "int8", representative=representative),
        "float32, further": quantization.convert(further),
        "int8, further": quantization.convert(further, "int8", representative=representative),
        "int8, aware": quantization.convert(aware, "int8"),
    }
    seconds = time.perf_counter() - began

    files, answers = {}, {}
    for name, content in contents.items():
        classifier = quantization.LiteRTClassifier(content)
        answers[name] = classifier.predict(test.images).argmax(axis=1)
        times = quantization.latencies(partial(classifier.predict, test.images[:1]), repeats=500)
        files[name] = {
            "bytes": len(content),
            "test_accuracy": round(float((answers[name] == test.labels).mean()), 4),
            "agreement": round(float((answers[name] == answers["float32"]).mean()), 4),
            "milliseconds": round(1000 * float(np.median(times)), 4),
        }
    return {"parameters": network.count_params(), "files": files, "seconds": round(seconds, 1)}


if __name__ == "__main__":
    main()
