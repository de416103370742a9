"""Pre-train the encoder of lesson 10 on CIFAR-10 without labels, and measure what it is worth with few of them.

The first run is the pre-training on all training images; its encoder is stored in half precision. The others give a
share of the labels to a linear probe of the encoder's features, to fine-tuning, and to the same network from scratch,
which sees the same images in the same order for as many steps. The labelled images are drawn anew for each seed. All
are judged on the test images once, after the last step; ``--held-out`` takes so many images out of the training and
judges those instead, to choose by. Every finished run is stored at once in results/cifar10_simclr.json; started again,
the script goes on with what is missing, the pre-training after its last finished epoch.

    python benchmarks/cifar10_simclr.py
"""

import time
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {
    "widths": (32, 128, 128),
    "epochs": 60,
    "batch_size": 500,
    "temperature": 0.5,
    "smallest_area": 0.25,
    "steps": 1500,  # of fine-tuning, and of training from scratch
    "rate": 2e-3,
    "few_batch_size": 125,
}
WAYS = ("probe", "fine-tuned", "from scratch")
SHARES = (0.01, 0.1, 1.0)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_simclr.json")
@click.option("--encoder", type=click.Path(path_type=Path), default=ROOT / "data" / "simclr_encoder.npz")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--epochs", default=SETTINGS["epochs"], show_default=True, help="Passes of the pre-training.")
@click.option("--held-out", default=0, show_default=True, help="Judge so many training images instead of the test's.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, encoder: Path, seeds: tuple[int, ...], epochs: int, held_out: int, at_most: int | None) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    settings = {**SETTINGS, "epochs": epochs, "held_out": held_out}
    jobs = [{"way": way, "share": share, "seed": seed} for seed in seeds for share in SHARES for way in WAYS]

    def run(dataset: Any, job: dict[str, Any]) -> dict[str, Any]:
        if job["way"] == "pre-training":
            return _pretrained(dataset, settings, encoder)
        return _learned(dataset, settings, encoder, job["way"], job["share"], job["seed"])

    runs = complete(
        out,
        {
            "what": "An encoder that SimCLR trained without labels: test accuracy with shares of the labels.",
            "settings": settings,
        },
        [{"way": "pre-training", "share": 0.0, "seed": 0}, *jobs],
        load=lambda: datasets.load("cifar10"),
        run=run,
        tell=lambda run: (
            f"{run['way']}, {run['share']:.0%} of the labels, seed {run['seed']}: "
            f"accuracy {run['test_accuracy']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    tell_means([{**run, "kind": f"{run['way']} {run['share']:.0%}"} for run in runs], "kind")


def _fresh(settings: dict[str, Any], seed: int, images: Any) -> Any:
    """Return an encoder that has not learned."""
    import keras

    from cnn_course import contrastive, lesson, models, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    network = models.fast_network(widths=tuple(settings["widths"]), dtype="mixed_bfloat16")
    training.initialise_whitening(network, images)
    return contrastive.encoder(network)


def _pretrained(dataset: Any, settings: dict[str, Any], file: Path) -> dict[str, Any]:
    """Pre-train an encoder, store it, and return what a probe with all labels makes of it and what neighbours do."""
    from cnn_course import contrastive, models

    splits = dataset.split(validation_size=settings["held_out"], seed=0)
    train, judged = splits.train, splits.validation if settings["held_out"] else splits.test
    encoder = _fresh(settings, 0, train.images)
    simclr = contrastive.SimCLR(
        encoder, contrastive.projection(settings["widths"][-1]), temperature=settings["temperature"]
    )
    steps = settings["epochs"] * (len(train) // settings["batch_size"])
    simclr.compile(contrastive.pretraining_optimiser(steps), jit_compile=False)
    history = contrastive.pretrain(
        simclr,
        train.images,
        contrastive.Views(smallest_area=settings["smallest_area"]),
        epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        backup=file.with_suffix(".part"),
    )
    models.save_weights(encoder, file)
    known, asked = _features(encoder, train), _features(encoder, judged)
    neighbours = contrastive.nearest_neighbours(known, train.labels, asked)
    return {
        "parameters": encoder.count_params(),
        "test_accuracy": _probed(known, train.labels, asked, judged.labels),
        "neighbours_accuracy": round(float((neighbours == judged.labels).mean()), 4),
        "loss": [round(value, 4) for value in history["loss"]],
        "seconds": round(sum(history["seconds"]), 1),
    }


def _learned(dataset: Any, settings: dict[str, Any], file: Path, way: str, share: float, seed: int) -> dict[str, Any]:
    """Return the accuracy of one way to use a share of the labels, and its seconds."""
    import keras
    import numpy as np

    from cnn_course import datasets, models, training

    splits = dataset.split(validation_size=settings["held_out"], seed=0)
    train, judged = splits.train, splits.validation if settings["held_out"] else splits.test
    encoder = _fresh(settings, seed, train.images)
    if way != "from scratch":
        models.load_weights(encoder, file)
    order = np.random.default_rng(seed).permutation(len(train))
    few = train.take(order[: round(share * len(train))])
    began = time.perf_counter()
    if way == "probe":
        accuracy = _probed(_features(encoder, few), few.labels, _features(encoder, judged), judged.labels)
        return {"test_accuracy": accuracy, "seconds": round(time.perf_counter() - began, 1)}
    logits = keras.layers.Dense(len(dataset.class_names), dtype="float32", kernel_initializer="zeros")(encoder.output)
    classifier = keras.Model(encoder.input, logits)
    schedule = keras.optimizers.schedules.CosineDecay(settings["rate"], settings["steps"])
    classifier.compile(keras.optimizers.Adam(schedule), training.SmoothedCrossentropy(0.2), jit_compile=False)
    draws = keras.random.SeedGenerator(seed)
    fed = datasets.batches(
        few,
        min(settings["few_batch_size"], len(few)),
        shuffle=seed,
        augment=lambda images: training.flip_and_shift(images, draws.next()),
        drop_remainder=True,
    )
    fed = datasets.without_tuner(fed.repeat())
    classifier.fit(fed, steps_per_epoch=settings["steps"], shuffle=False, verbose=0)
    answers = _features(classifier, judged).argmax(axis=1)
    return {
        "test_accuracy": round(float((answers == judged.labels).mean()), 4),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _features(model: Any, images: Any) -> Any:
    """Return what a model gives for all images."""
    return model.predict(images.images, batch_size=500, verbose=0)


def _probed(known: Any, labels: Any, asked: Any, truth: Any) -> float:
    """Return the accuracy of a dense layer that learns the labels of the known features."""
    import numpy as np

    from cnn_course import transfer

    answers = np.asarray(transfer.head(known, labels, int(labels.max()) + 1)(asked)).argmax(axis=1)
    return round(float((answers == truth).mean()), 4)


if __name__ == "__main__":
    main()
