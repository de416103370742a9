"""Use the offline ImageNet backbone for CIFAR-10: a head on frozen features, few labels, and fine-tuning.

    head, all labels       features of all 50,000 training images, computed once, and a dense layer on top
    head, 10/50/250        the same with so many labels of each class, which a seed draws
    scratch, 10/50/250     the student of lesson 04 with its recipe, on the same images
    fine-tuned             the whole network, its batch normalisation in inference mode, on all training images

The test images are judged once, after each training. On held-out training images were chosen: the size of the images
for the head (with 2,500 labels 82.9 % at 128x128, 86.7 % at 160x160), and the rate of fine-tuning, which lies between
the two best of three (10,000 images, two epochs at 64x64: 79.2 % with 1e-4, 85.6 % with 3e-4, 85.4 % with 1e-3). The
rest of ``SETTINGS`` has not been tuned. Every finished run is stored at once in results/cifar10_transfer.json; started
again, the script goes on with the runs that are missing.

    python benchmarks/cifar10_transfer.py
"""

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from few_labels import of_each_class
from stored_runs import WholeNumbers, chosen, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
LABELS = (10, 50, 250)
SETTINGS = {
    "backbone": "efficientnet_lite0",
    "image_size": 160,
    "scratch_steps": 1500,
    "tuning_size": 96,
    "tuning_epochs": 3,
    "tuning_rate": 5e-4,
}
KINDS = (
    "head, all labels",
    *(f"{kind}, {count}" for count in LABELS for kind in ("head", "scratch")),
    "fine-tuned",
)
# The head on all labels draws nothing; fine-tuning takes long, and one seed of it is stored.
ONCE = ("head, all labels", "fine-tuned")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_transfer.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--kind", "only", multiple=True, help="A kind to run, instead of all; can be given again.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], only: tuple[str, ...], at_most: int | None) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    kinds = chosen(only, KINDS, "--kind")
    runs = complete(
        out,
        {
            "what": "The offline ImageNet backbone on CIFAR-10: test accuracy (one view), and seconds of training with "
            "those of the features.",
            "settings": SETTINGS,
        },
        [{"kind": kind, "seed": seed} for kind in kinds for seed in (seeds[:1] if kind in ONCE else seeds)],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _trained(dataset, job["kind"], job["seed"]),
        tell=lambda run: (
            f"{run['kind']}, seed {run['seed']}: test accuracy {run['test_accuracy']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    tell_means(runs, "kind")


def _trained(dataset: Any, kind: str, seed: int) -> dict[str, Any]:
    """Do one training; return its accuracy on the test images and its seconds."""
    import keras

    from cnn_course import lesson

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    if kind == "fine-tuned":
        return _fine_tuned(dataset, seed)
    network, _, labels = kind.partition(", ")
    splits = dataset.split(validation_size=0, seed=0)
    if labels == "all labels":
        return _head(dataset, slice(None))
    rows = of_each_class(splits.train.labels, int(labels), seed)
    return _head(dataset, rows) if network == "head" else _from_scratch(dataset, rows, seed)


_features_of: dict[str, tuple[Any, Any, float]] = {}


def _features(dataset: Any) -> tuple[Any, Any, float]:
    """Return the features of the training and test images, and the seconds they took; once for each process."""
    from cnn_course import transfer

    if dataset.checksum not in _features_of:
        splits = dataset.split(validation_size=0, seed=0)
        began = time.perf_counter()
        body = transfer.backbone(SETTINGS["backbone"], image_size=SETTINGS["image_size"])
        with tempfile.TemporaryDirectory() as folder:  # so that they are computed, and timed
            of_train = transfer.features(body, splits.train, folder=Path(folder))
            took = time.perf_counter() - began
            of_test = transfer.features(body, splits.test, folder=Path(folder))
        _features_of[dataset.checksum] = of_train, of_test, took
    return _features_of[dataset.checksum]


def _head(dataset: Any, rows: Any) -> dict[str, Any]:
    """Train a dense layer on the frozen features of some training images."""
    import keras

    from cnn_course import transfer

    of_train, of_test, took = _features(dataset)
    splits = dataset.split(validation_size=0, seed=0)
    began = time.perf_counter()
    top = transfer.head(of_train[rows], splits.train.labels[rows], len(dataset.class_names))
    took = took * len(of_train[rows]) / len(of_train) + time.perf_counter() - began
    answers = keras.ops.convert_to_numpy(top(of_test.astype("float32"))).argmax(axis=1)
    return {"test_accuracy": round(float((answers == splits.test.labels).mean()), 4), "seconds": round(took, 1)}


def _from_scratch(dataset: Any, rows: Any, seed: int) -> dict[str, Any]:
    """Train the student's recipe on some training images, for the same number of steps however many they are."""
    from cnn_course import training

    splits = dataset.split(validation_size=0, seed=0)
    images, steps = splits.train.take(rows), SETTINGS["scratch_steps"]
    recipe = dataclasses.replace(training.FAST_RECIPES["80,000 weights"], small_epochs=0, batch_size=50)
    began = time.perf_counter()
    network = training.fast_model(recipe, images)
    network.compile(
        training.recipe_optimiser(recipe, steps),
        training.SmoothedCrossentropy(recipe.smoothing),
        jit_compile=training.JIT_COMPILE,
    )
    batches = training.recipe_batches(recipe, images.images, images.labels, steps=(0, steps), seed=seed)
    network.fit(batches, shuffle=False, verbose=0)
    took = time.perf_counter() - began
    accuracy = training.accuracy_by_views(network, splits.test, (1,))[1]
    return {"test_accuracy": round(accuracy, 4), "seconds": round(took, 1)}


def _fine_tuned(dataset: Any, seed: int) -> dict[str, Any]:
    """Train a head on frozen features, then the whole network."""
    from cnn_course import training, transfer

    splits = dataset.split(validation_size=0, seed=0)
    began = time.perf_counter()
    body = transfer.backbone(SETTINGS["backbone"], image_size=SETTINGS["tuning_size"])
    some = splits.train.take(slice(0, 5000))  # enough for a beginning
    with tempfile.TemporaryDirectory() as folder:
        known = transfer.features(body, some, folder=Path(folder))
    model = transfer.classifier(body, transfer.head(known, some.labels, len(dataset.class_names)))
    transfer.unfreeze(model)
    transfer.fine_tune(
        model,
        splits.train,
        epochs=SETTINGS["tuning_epochs"],
        rate=SETTINGS["tuning_rate"],
        seed=seed,
        callbacks=[training.EpochLog()],
    )
    took = time.perf_counter() - began
    return {"test_accuracy": round(transfer.accuracy(model, splits.test), 4), "seconds": round(took, 1)}


if __name__ == "__main__":
    main()
