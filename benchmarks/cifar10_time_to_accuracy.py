"""Measure on this machine how many seconds of training four contenders need to reach given test accuracies on CIFAR-10.

    (a) the twenty-minute recipe of lesson 04
    (b) the same in float32
    (c) the plain CNN of popular articles: convolutions of 32, 64 and 64 channels with 2x2 pooling, 64 dense units, Adam
        with rate 1e-3, batches of 32, pixels divided by 255
    (d) ResNet-20 as it is commonly trained: Adam, batches of 128, flips and shifts

After each epoch the clock stands still while all 10,000 test images are judged, by one view and by two (the image and
its mirror image). Nothing is chosen by them: the first epoch that reaches a level is noted, and training goes on to its
end or to ``--cap`` seconds. One process, one contender after the other; a contender that is finished is stored in
results/cifar10_time_to_accuracy.json, and one that was interrupted begins anew when the script is started again.

    python benchmarks/cifar10_time_to_accuracy.py --cap 1500
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, complete

ROOT = Path(__file__).resolve().parents[1]
LEVELS = (0.70, 0.80, 0.90, 0.94)
VIEWS = (1, 2)
CONTENDERS = ("recipe", "recipe in float32", "articles' CNN", "ResNet-20")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_time_to_accuracy.json")
@click.option("--cap", default=1500.0, show_default=True, help="Seconds of training after which a contender stops.")
@click.option("--seeds", default="0", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--train-size", default=50_000, show_default=True, type=click.IntRange(1), help="Training images.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, cap: float, seeds: tuple[int, ...], train_size: int, at_most: int | None) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets, training

    runs = complete(
        out,
        {
            "what": "Seconds of training until the test accuracy first reaches a level, judged after each epoch by one "
            "view and by two; evaluation is not counted.",
            "settings": {"cap": cap, "train_size": train_size, "levels": LEVELS},
            "recipe": dataclasses.asdict(training.FAST_RECIPES["twenty minutes"]),
        },
        [{"contender": name, "seed": seed} for seed in seeds for name in CONTENDERS],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _trained(dataset, job["contender"], job["seed"], cap, train_size),
        tell=lambda run: f"{run['contender']}, seed {run['seed']}: best {max(run['test_accuracy']['1']):.4f}",
        at_most=at_most,
    )
    for views in VIEWS:
        _print_table(runs, str(views))
    _print_comparison(runs)


def _trained(dataset: Any, name: str, seed: int, cap: float, train_size: int) -> dict[str, Any]:
    """Train one contender and return the test accuracy and the seconds of training after each epoch."""
    import keras

    from cnn_course import datasets, lesson, models, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    splits = dataset.split(train_size, 0, seed=seed)
    clock = _clock(splits.test, cap, name)
    clock.began = time.perf_counter()
    if name.startswith("recipe"):
        recipe = training.FAST_RECIPES["twenty minutes"]
        if name.endswith("float32"):
            recipe = dataclasses.replace(recipe, dtype="float32")
        model, _ = training.train_fast(recipe, splits.train, seed=seed, callbacks=[clock])
    else:
        articles = name == "articles' CNN"
        model = models.small_cnn(widths=(32, 64, 64), units=64) if articles else models.resnet20()
        pipeline = datasets.batches(
            splits.train,
            32 if articles else 128,
            shuffle=seed,
            augment=None if articles else training.FlipAndShift(shift=4, seed=seed),
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"], jit_compile=False)
        model.fit(pipeline, epochs=100_000, shuffle=False, verbose=0, callbacks=[clock])
    clock.bar.close()
    return {
        "parameters": model.count_params(),
        "seconds": [round(value, 1) for value in clock.seconds],
        "test_accuracy": {str(views): [round(judged[views], 4) for judged in clock.accuracy] for views in VIEWS},
    }


def _clock(test: Any, cap: float, name: str) -> Any:
    """Return a callback that judges the test images after each epoch, off the clock, and stops at ``cap`` seconds."""
    import keras
    from tqdm import tqdm

    from cnn_course import training

    class Clock(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.began, self.judging = 0.0, 0.0
            self.seconds: list[float] = []
            self.accuracy: list[dict[int, float]] = []
            self.bar = tqdm(total=round(cap), desc=name, unit="s", disable=None)

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            paused = time.perf_counter()
            self.seconds.append(paused - self.began - self.judging)
            self.accuracy.append(training.accuracy_by_views(self.model, test, VIEWS))
            self.judging += time.perf_counter() - paused
            self.bar.set_postfix(accuracy=f"{self.accuracy[-1][1]:.4f}")
            self.bar.n = min(round(self.seconds[-1]), self.bar.total)
            self.bar.refresh()
            if self.seconds[-1] >= cap:
                self.model.stop_training = True

    return Clock()


def _seconds_to(run: dict[str, Any], level: float, views: str) -> float | None:
    """Return the seconds of training after the first epoch that reached a level, or None where none did."""
    reached = zip(run["seconds"], run["test_accuracy"][views], strict=True)
    return next((seconds for seconds, accuracy in reached if accuracy >= level), None)


def _print_table(runs: list[dict[str, Any]], views: str) -> None:
    """Print for each contender and seed the seconds to each level, its best and its last accuracy."""
    heads = "".join(f"{level:>9.0%}" for level in LEVELS)
    click.echo(f"{f'seconds of training to (views: {views})':<36}{heads}     best     last  after")
    for run in runs:
        reached = [_seconds_to(run, level, views) for level in LEVELS]
        cells = "".join(f"{'never':>9}" if seconds is None else f"{seconds:>9.0f}" for seconds in reached)
        accuracy = run["test_accuracy"][views]
        name = f"{run['contender']} ({run['seed']})"
        click.echo(f"{name:<36}{cells}{max(accuracy):>9.2%}{accuracy[-1]:>9.2%}{run['seconds'][-1]:>6.0f} s")


def _print_comparison(runs: list[dict[str, Any]], level: float = 0.80) -> None:
    """Print how much longer than the recipe the articles' CNN takes to ``level`` (one view), for each seed."""
    took = {(run["contender"], run["seed"]): _seconds_to(run, level, "1") for run in runs}
    for (name, seed), articles in took.items():
        recipe = took.get(("recipe", seed))
        if name == "articles' CNN" and recipe is not None:
            theirs = (
                "never gets there" if articles is None else f"{articles:.0f} s ({articles / recipe:.1f} times as long)"
            )
            click.echo(f"to {level:.0%}, seed {seed}: the recipe {recipe:.0f} s, the articles' CNN {theirs}")


if __name__ == "__main__":
    main()
