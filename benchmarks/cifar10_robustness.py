"""Train the same fast network on CIFAR-10 in four ways, and fool it: by corruptions and on purpose, several seeds.

    plain       the recipe of lesson 04 with some more epochs
    AugMix      the same with mixed augmentations (cnn_course.robustness.augmix)
    hardened    the same on images that are changed against the network in each step (AdversarialTrainer)
    one step    the same with a change that does not begin at random, FGSM

Each learns from 45,000 training images. On the other 5,000 a temperature is fitted. The 10,000 test images are judged
once, after the last epoch: as they are, with seven corruptions at five severities each, and the first of them under
attack. Every finished run is stored at once in results/cifar10_robustness.json; started again, the script goes on with
the runs that are missing. Nothing was tuned.

    python benchmarks/cifar10_robustness.py
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, chosen, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("plain", "AugMix", "hardened", "one step")
# Radius and steps are those in which such attacks are usually reported: 8 of 255, and 20 steps.
SETTINGS = {"widths": (32, 128, 128), "radius": 8, "steps": 20, "attacked": 1000, "strength": 3.0}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_robustness.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--kind", "only", multiple=True, help="A kind to run, instead of all; can be given again.")
@click.option("--epochs", default=16, show_default=True, type=click.IntRange(1))
@click.option("--small-epochs", default=6, show_default=True, type=click.IntRange(0), help="With small images.")
@click.option("--train-size", default=45_000, show_default=True, type=click.IntRange(1), help="Training images.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], only: tuple[str, ...], at_most: int | None, **settings: Any) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    kinds = chosen(only, KINDS, "--kind")
    runs = complete(
        out,
        {
            "what": "Test accuracy of four trainings of one network: clean, by corruption and severity (1 to 5), and "
            "under attack; temperature and expected calibration error.",
            "settings": {**settings, **SETTINGS},
        },
        [{"kind": kind, "seed": seed} for seed in seeds for kind in kinds],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _measured(dataset, job["kind"], job["seed"], **settings),
        tell=lambda run: (
            f"{run['kind']}, seed {run['seed']}: clean {run['test_accuracy']:.4f}, corrupted {_mean(run):.4f}, "
            f"PGD {run['under_attack']['PGD']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    tell_means(runs, "kind")
    tell_means(runs, "kind", accuracy=_mean)


def _mean(run: dict[str, Any]) -> float:
    """Return the mean accuracy over all corruptions and severities."""
    values = [value for by_severity in run["corrupted"].values() for value in by_severity]
    return sum(values) / len(values)


def _measured(dataset: Any, kind: str, seed: int, *, epochs: int, small_epochs: int, train_size: int) -> dict[str, Any]:
    """Do one training, and return what was measured of it."""
    import functools

    import keras

    from cnn_course import lesson, robustness, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    train, validation, test = dataset.split(train_size, 5000, seed=0)
    recipe = dataclasses.replace(
        training.FAST_RECIPES["five minutes"], widths=SETTINGS["widths"], epochs=epochs, small_epochs=small_epochs
    )
    began = time.perf_counter()
    network = training.fast_model(recipe, train)
    batches, trained = training.recipe_batches, network
    if kind == "AugMix":
        batches = functools.partial(robustness.augmix_batches, strength=SETTINGS["strength"])
    elif kind != "plain":
        start = 2 * SETTINGS["radius"] if kind == "hardened" else 0
        trained = robustness.AdversarialTrainer(network, start=start, step_size=SETTINGS["radius"], seed=seed)
        batches = robustness.labelled_batches
    training.fit_recipe(trained, recipe, train, seed=seed, batches=batches, callbacks=[training.EpochLog()])
    seconds = time.perf_counter() - began

    def logits(images: Any) -> Any:
        return network.predict(images, batch_size=500, verbose=0)

    def accuracy(images: Any) -> float:
        return round(float((logits(images).argmax(axis=1) == test.labels[: len(images)]).mean()), 4)

    attacked, right = test.images[: SETTINGS["attacked"]], test.labels[: SETTINGS["attacked"]]
    pgd = robustness.pgd(network, attacked, right, radius=SETTINGS["radius"], steps=SETTINGS["steps"], seed=seed)
    temperature = robustness.fitted_temperature(logits(validation.images), validation.labels)
    of_test = logits(test.images)
    return {
        "parameters": network.count_params(),
        "test_accuracy": accuracy(test.images),
        "corrupted": {
            name: [accuracy(robustness.corrupt(test.images, name, k)) for k in robustness.SEVERITIES]
            for name in robustness.CORRUPTIONS
        },
        "under_attack": {
            "none": accuracy(attacked),
            "FGSM": accuracy(robustness.fgsm(network, attacked, right, radius=SETTINGS["radius"])),
            "PGD": accuracy(pgd),
        },
        "temperature": round(temperature, 4),
        "calibration_error": {
            "before": round(robustness.reliability(of_test, test.labels).expected_error, 4),
            "after": round(robustness.reliability(of_test, test.labels, temperature=temperature).expected_error, 4),
        },
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
