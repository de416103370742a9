"""Train the same network on CIFAR-10 with batches of 125 to 8,000 images and three learning rates, several seeds.

    same rate           that of the smallest batch
    scaled              as many times larger as the batch (Goyal and others 2017, arXiv 1706.02677, section 2.1)
    scaled, warm-up     the same, growing to there in the first of the epochs (section 2.2)
    4 times the rate    with the smallest batch only: the control

Every contender sees the same images equally often: 40,000 training images, a whole number of batches of each size,
mirrored and moved at random, for the same epochs; behind the warm-up the rate falls linearly to zero in all of them.
The base rate was tuned for no batch. That is why there is a control: were 4 times the rate much better with the
smallest batch too, what scaling gains would come from a larger rate, and say nothing about batches. The network is the
student of lesson 07 (under 80,000 weights, batch normalisation over the whole batch), trained by SGD with Nesterov
momentum. The 10,000 test images are judged once, after the last epoch. Every finished run is stored at once in
results/cifar10_large_batch.json; started again, the script goes on with the runs that are missing.

    python benchmarks/cifar10_large_batch.py
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, chosen, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
CONTROL = "4 times the rate"
RULES = ("same rate", "scaled", "scaled, warm-up", CONTROL)
BASE_BATCH = 125
SETTINGS = {"base_batch": BASE_BATCH, "rate": 0.05, "momentum": 0.9, "warmup_epochs": 1, "dtype": "mixed_bfloat16"}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_large_batch.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--batches", default="125,500,2000,8000", show_default=True, type=WholeNumbers(), help="Batch sizes.")
@click.option("--kind", "only", multiple=True, help="A rule to run, instead of all; can be given again.")
@click.option("--epochs", default=10, show_default=True, type=click.IntRange(2))
@click.option("--train-size", default=40_000, show_default=True, type=click.IntRange(1), help="Training images.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(
    out: Path,
    seeds: tuple[int, ...],
    batches: tuple[int, ...],
    only: tuple[str, ...],
    at_most: int | None,
    **settings: Any,
) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    rules = chosen(only, RULES, "--kind")
    uneven = [size for size in batches if settings["train_size"] % size]
    if uneven:  # some would see fewer images than others
        raise click.ClickException(
            f"{settings['train_size']} training images are no whole number of batches of {uneven[0]} images. Give "
            "another --train-size."
        )
    jobs = _jobs(rules, batches, seeds)
    runs = complete(
        out,
        {
            "what": "Training loss and test accuracy after the same number of images, by size of the batch and rule of "
            "the learning rate.",
            "settings": {**settings, **SETTINGS},
        },
        jobs,
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _measured(dataset, job["rule"], job["batch_size"], job["seed"], **settings),
        tell=lambda run: (
            f"{run['rule']}, batch {run['batch_size']}, seed {run['seed']}: loss {run['train_loss']:.3f}, test "
            f"accuracy {run['test_accuracy']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    tell_means([{**run, "name": f"{run['rule']} {run['batch_size']}"} for run in runs], "name")


def _jobs(rules: Sequence[str], batches: Sequence[int], seeds: Sequence[int]) -> list[dict[str, Any]]:
    # At the smallest batch the rules differ in the warm-up only, which is from the rate to itself: one run for all of
    # them, and one of the control.
    at_base = (RULES[0], CONTROL)
    return [
        {"rule": rule, "batch_size": size, "seed": seed}
        for seed in seeds
        for size in batches
        for rule in rules
        if (rule in at_base if size == BASE_BATCH else rule != CONTROL)
    ]


def _measured(dataset: Any, rule: str, batch_size: int, seed: int, *, epochs: int, train_size: int) -> dict[str, Any]:
    """Do one training, and return what was measured of it."""
    import keras

    from cnn_course import lesson, models, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    train, _, test = dataset.split(train_size, 5000, seed=0)
    began = time.perf_counter()
    network = models.student(train.image_shape, len(train.class_names), dtype=SETTINGS["dtype"])
    recipe = training.FastRecipe(epochs=epochs, batch_size=batch_size, alternating=False)
    training.initialise_whitening(network, train.images)
    for layer in network.layers:
        if layer.name.endswith("_norm"):
            layer.momentum = 0.9  # averages over ten batches, as the small ones need
    steps = len(train) // batch_size
    rate = _schedule(rule, batch_size, steps, epochs)
    optimiser = keras.optimizers.SGD(rate, momentum=SETTINGS["momentum"], nesterov=True)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimiser, loss, metrics=["accuracy"], jit_compile=training.JIT_COMPILE)
    batches = training.recipe_batches(recipe, train.images, train.labels, steps=(0, epochs * steps), seed=seed)
    history = network.fit(
        batches, epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=[training.EpochLog()]
    ).history
    seconds = time.perf_counter() - began
    train_loss, _ = network.evaluate(train.images, train.labels, batch_size=500, verbose=0)
    _, accuracy = network.evaluate(test.images, test.labels, batch_size=500, verbose=0)
    return {
        "parameters": network.count_params(),
        "steps": epochs * steps,
        "losses": [round(value, 4) for value in history["loss"]],
        "train_loss": round(train_loss, 4),
        "test_accuracy": round(accuracy, 4),
        "seconds": round(seconds, 1),
    }


def _schedule(rule: str, batch_size: int, steps: int, epochs: int) -> Any:
    """Return the learning rate as a schedule of Keras; ``steps`` are those of an epoch."""
    import keras
    from keras import ops

    from cnn_course import scaling

    warmup = SETTINGS["warmup_epochs"] * steps if rule == "scaled, warm-up" else 0
    base, whole = SETTINGS["rate"], epochs * steps
    peak = 4 * base if rule == CONTROL else base
    if rule.startswith("scaled"):
        peak = scaling.scaled_rate(0, rate=base, batch_size=batch_size, base_batch_size=BASE_BATCH)

    class Rate(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            step = ops.cast(step, "float32")
            rising = base + (peak - base) * step / max(warmup, 1)
            falling = peak * (whole - step) / (whole - warmup)
            return ops.where(step < warmup, rising, falling)

    return Rate()


if __name__ == "__main__":
    main()
