"""Train every setting of a small search space on shapes10 with several seeds: the table that lesson 11 searches.

36 settings, of three depths, two widths and six rates, each trained with four seeds on 1,000 images for 8 epochs, and
judged after each epoch on 500 validation images and at the end on 1,000 test images. Every finished setting is stored
at once in results/shapes10_search_table.json; started again, the script goes on with those that are missing.

    python benchmarks/shapes10_search_table.py
"""

import time
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, complete

ROOT = Path(__file__).resolve().parents[1]
SPACE = {"depth": (2, 3, 4), "width": (8, 16), "rate": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)}
SETTINGS = {"train_size": 1000, "validation_size": 500, "test_size": 1000, "batch_size": 50, "epochs": 8}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "shapes10_search_table.json")
@click.option("--seeds", default="1,2,3,4", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many settings; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], at_most: int | None) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets, lesson, search

    lesson.seed_everything(0)
    made = {}

    def networks(dataset: Any) -> Any:
        """Return the networks, the same for all settings, so that each architecture is compiled once."""
        if not made:
            sizes = [SETTINGS[f"{part}_size"] for part in ("train", "validation", "test")]
            train, validation, made["test"] = dataset.split(*sizes)
            made["networks"] = search.SmallNetworks(train, validation, SPACE, batch_size=SETTINGS["batch_size"])
        return made["networks"]

    runs = complete(
        out,
        {
            "what": "Validation accuracy after each epoch (seeds, epochs) and test accuracy after the last one (seeds) "
            "of small networks of a depth and a width that were trained at a constant rate.",
            "settings": {**SETTINGS, "seeds": seeds},
            "space": SPACE,
        },
        [
            {"depth": depth, "width": width, "rate": rate}
            for depth in SPACE["depth"]
            for width in SPACE["width"]
            for rate in SPACE["rate"]
        ],
        load=lambda: datasets.load("shapes10", seed=0),
        run=lambda dataset, setting: _measured(networks(dataset), made["test"], setting, seeds),
        tell=lambda run: (
            f"depth {run['depth']}, width {run['width']}, rate {run['rate']}: "
            f"{' '.join(f'{curve[-1]:.3f}' for curve in run['val_accuracy'])}, {run['seconds']:.1f} s"
        ),
        at_most=at_most,
    )
    for run in sorted(runs, key=lambda run: -sum(curve[-1] for curve in run["val_accuracy"]))[:5]:
        mean = sum(curve[-1] for curve in run["val_accuracy"]) / len(run["val_accuracy"])
        click.echo(f"depth {run['depth']}, width {run['width']}, rate {run['rate']}: mean {mean:.4f}")


def _measured(networks: Any, test: Any, setting: dict[str, Any], seeds: tuple[int, ...]) -> dict[str, Any]:
    """Train one setting with each seed, and return what was measured of it."""
    from cnn_course import training

    curves, tested, seconds = [], [], []
    for seed in seeds:
        model = networks.fresh(**setting, seed=seed)
        began = time.perf_counter()
        history = networks.learn(model, seed=seed, epochs=SETTINGS["epochs"]).history
        seconds.append(time.perf_counter() - began)
        curves.append([round(value, 4) for value in history["val_accuracy"]])
        tested.append(round(training.accuracy_by_views(model, test, (1,))[1], 4))
    return {
        "parameters": model.count_params(),
        "val_accuracy": curves,
        "test_accuracy": tested,
        "seconds": round(min(seconds), 2),  # of one training; the first one of a network includes compiling
    }


if __name__ == "__main__":
    main()
