"""Train the same fast network on CIFAR-10 in five ways, and fool it: by corruptions and on purpose, several seeds.

    plain         the recipe of lesson 04 with some more epochs
    AugMix        the same with mixed augmentations (cnn_course.robustness.augmix)
    hardened      on images that are changed against the network in each step (AdversarialTrainer)
    one step      the same with a change that does not begin at random, FGSM
    one step, 16  the same with twice the radius

The last three see whole images from the first epoch on: what is learned of small ones need not stand changes of whole
ones. After each of their epochs 500 validation images are attacked, in one step and in ten, with the radius that they
are trained for: the accuracies are stored as a curve, which shows whether a training broke down.

Each learns from 45,000 training images. On the other 5,000, the validation images, a temperature is fitted, and what is
measured of the test images is measured too, with 500 of them under attack: whoever changes the settings can choose by
that. The 10,000 test images are judged once, after the last epoch: as they are, with seven corruptions at five
severities each, and the first 2,000 under attack. Every finished run is stored at once in
results/cifar10_robustness.json; started again, the script goes on with the runs that are missing. Nothing was tuned.

    python benchmarks/cifar10_robustness.py
"""

import dataclasses
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, chosen, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {
    "widths": (32, 128, 128),
    "validation": 5000,
    # Radius and steps are those in which such attacks are usually reported: 8 of 255, and 20 steps.
    "radius": 8,
    "steps": 20,
    "attacked": 2000,
    "curve": {"images": 500, "steps": 10},
    "strength": 3.0,
    # Of each kind that is attacked in training: how far its change begins from the image at most, and its one step,
    # which is also the radius of its curve.
    "attacked_in_training": {
        "hardened": {"start": 16, "step_size": 8},
        "one step": {"start": 0, "step_size": 8},
        "one step, 16": {"start": 0, "step_size": 16},
    },
}
KINDS = ("plain", "AugMix", *SETTINGS["attacked_in_training"])


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_robustness.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--kind", "only", multiple=True, help="A kind to run, instead of all; can be given again.")
@click.option("--epochs", default=16, show_default=True, type=click.IntRange(1), help="Of plain and AugMix.")
@click.option("--small-epochs", default=6, show_default=True, type=click.IntRange(0), help="Of these, on small images.")
@click.option("--attacked-epochs", default=16, show_default=True, type=click.IntRange(1), help="Of the other kinds.")
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
            "what": "Test accuracy of five trainings of one network: clean, by corruption and severity (1 to 5), and "
            "under attack; the same of validation images, some also by epoch; temperature and expected calibration "
            "error.",
            "settings": {**settings, **SETTINGS},
        },
        [{"kind": kind, "seed": seed} for seed in seeds for kind in kinds],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _measured(dataset, job["kind"], job["seed"], **settings),
        tell=lambda run: (
            f"{run['kind']}, seed {run['seed']}: clean {run['test_accuracy']:.4f}, corrupted {_mean(run):.4f}, "
            f"FGSM {run['under_attack']['FGSM']:.4f}, PGD {run['under_attack']['PGD']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    for what, accuracy in (
        ("clean", lambda run: run["test_accuracy"]),
        ("corrupted", _mean),
        ("under PGD", lambda run: run["under_attack"]["PGD"]),
    ):
        click.echo(f"Test images, {what}:")
        tell_means(runs, "kind", accuracy=accuracy)


def _mean(run: dict[str, Any]) -> float:
    """Return the mean accuracy over all corruptions and severities."""
    values = [value for by_severity in run["corrupted"].values() for value in by_severity]
    return sum(values) / len(values)


def _measured(
    dataset: Any, kind: str, seed: int, *, epochs: int, small_epochs: int, attacked_epochs: int, train_size: int
) -> dict[str, Any]:
    """Do one training, and return what was measured of it."""
    import functools

    import keras

    from cnn_course import lesson, robustness, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    train, validation, test = dataset.split(train_size, SETTINGS["validation"], seed=0)
    change = SETTINGS["attacked_in_training"].get(kind)
    recipe = dataclasses.replace(
        training.FAST_RECIPES["five minutes"],
        widths=SETTINGS["widths"],
        epochs=attacked_epochs if change else epochs,
        small_epochs=0 if change else small_epochs,
    )
    network = training.fast_model(recipe, train)
    batches, trained = training.recipe_batches, network
    curve: dict[str, list[float]] = {"FGSM": [], "PGD": []}
    callbacks = [training.EpochLog()]
    if kind == "AugMix":
        batches = functools.partial(robustness.augmix_batches, strength=SETTINGS["strength"])
    elif change:
        trained = robustness.AdversarialTrainer(network, **change, seed=seed)
        batches = robustness.labelled_batches
        few = validation.take(range(SETTINGS["curve"]["images"]))
        how = {"radius": change["step_size"], "steps": SETTINGS["curve"]["steps"], "seed": seed}

        def note(epoch: int, logs: dict | None = None) -> None:
            for name, value in _under_attack(network, few, **how).items():
                curve[name].append(value)

        callbacks.append(keras.callbacks.LambdaCallback(on_epoch_end=note))
    history = training.fit_recipe(trained, recipe, train, seed=seed, batches=batches, callbacks=callbacks)

    logits = {part: _logits(network, each.images) for part, each in (("validation", validation), ("test", test))}
    how = {"steps": SETTINGS["steps"], "seed": seed}
    measured: dict[str, Any] = {
        "parameters": network.count_params(),
        "train_accuracy": [round(value, 4) for value in history["accuracy"]],
        "validation": _judged(network, validation, logits["validation"], SETTINGS["curve"]["images"], **how),
    }
    of_test = _judged(network, test, logits["test"], SETTINGS["attacked"], **how)
    measured |= {"test_accuracy": of_test.pop("accuracy"), **of_test}
    if change:
        own = change["step_size"]
        measured["by_epoch"] = {"radius": own, **curve}
        if own != SETTINGS["radius"]:
            few = test.take(range(SETTINGS["attacked"]))
            measured["at_own_radius"] = {"radius": own, **_under_attack(network, few, radius=own, **how)}
    temperature = robustness.fitted_temperature(logits["validation"], validation.labels)
    return {
        **measured,
        "temperature": round(temperature, 4),
        "calibration_error": {
            name: round(robustness.reliability(logits["test"], test.labels, temperature=t).expected_error, 4)
            for name, t in (("before", 1.0), ("after", temperature))
        },
        "seconds": round(sum(history["seconds"]), 1),  # without the attacks after each epoch
    }


def _judged(network: Any, images: Any, logits: Any, attacked: int, **how: Any) -> dict[str, Any]:
    """Return the accuracy on a set's images: as they are (``logits``), corrupted, and the first under attack."""
    from cnn_course import robustness

    few = images.take(range(attacked))
    return {
        "accuracy": _right(logits, images.labels),
        "corrupted": {name: _corrupted(network, images, name) for name in robustness.CORRUPTIONS},
        "under_attack": {
            "none": _right(logits[:attacked], few.labels),
            **_under_attack(network, few, radius=SETTINGS["radius"], **how),
        },
    }


def _corrupted(network: Any, images: Any, name: str) -> list[float]:
    """Return the accuracy on a set's images at each severity of a corruption, all answered in one call."""
    import numpy as np

    from cnn_course import robustness

    changed = [robustness.corrupt(images.images, name, k) for k in robustness.SEVERITIES]
    answers = np.split(_logits(network, np.concatenate(changed)), len(changed))
    return [_right(each, images.labels) for each in answers]


def _under_attack(network: Any, images: Any, *, radius: float, **how: Any) -> dict[str, float]:
    """Return the accuracy on a set's images after one step of this radius and after many, of a quarter of it each."""
    from cnn_course import robustness

    given = network, images.images, images.labels
    attacked = {
        "FGSM": robustness.fgsm(*given, radius=radius),
        "PGD": robustness.pgd(*given, radius=radius, step_size=radius / 4, **how),
    }
    return {name: _right(_logits(network, each), images.labels) for name, each in attacked.items()}


def _logits(network: Any, images: Any) -> Any:
    return network.predict(images, batch_size=500, verbose=0)


def _right(logits: Any, labels: Any) -> float:
    return round(float((logits.argmax(axis=1) == labels).mean()), 4)


if __name__ == "__main__":
    main()
