"""Judge maps of what a network looks at, on shapes10, where the masks are known; several networks.

Each network is that of lesson 09, trained from a seed of its own on the same images. The five methods of
``cnn_course.saliency`` and two maps that do not know the network are judged in two pointing games, of one shape off the
centre and of one of four, by the energy inside the mask, and by insertion and deletion on single images; then the
sanity check with shuffled layers. Last, a network of the same kind learns from images with a mark in the corner that
tells the class, and another one from images whose marks tell nothing. Only test images that the network gets right are
explained, since a map of a class that the network does not see has no right place. Nothing was tuned. Every finished
seed is stored at once in results/shapes10_saliency.json; started again, the script goes on with the seeds that are
missing.

    python benchmarks/shapes10_saliency.py
"""

import time
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, complete

ROOT = Path(__file__).resolve().parents[1]
# Images of the set; pixels by which a point may miss in mosaics of 64; widths of the network's convolutions.
SETTINGS = {"images": 28_000, "tolerance": 2, "stages": ((16,), (32, 32), (64, 64)), "peak_rate": 0.01}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "shapes10_saliency.json")
@click.option("--seeds", default="0,1,2,3,4", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--train-size", default=14_000, show_default=True, type=click.IntRange(100), help="Training images.")
@click.option("--epochs", default=8, show_default=True, type=click.IntRange(1))
@click.option("--mark-epochs", default=3, show_default=True, type=click.IntRange(1))
@click.option("--batch-size", default=25, show_default=True, type=click.IntRange(1))
@click.option("--test-size", default=400, show_default=True, type=click.IntRange(20), help="Images that judge maps.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], at_most: int | None, **settings: Any) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    runs = complete(
        out,
        {
            "what": "Maps of what a network looks at: pointing game, energy inside, insertion and deletion, and marks.",
            "settings": {**settings, **SETTINGS},
        },
        [{"seed": seed} for seed in seeds],
        load=lambda: datasets.load("shapes10", seed=0, size=SETTINGS["images"]),
        run=lambda dataset, job: _measured(dataset, job["seed"], **settings),
        tell=lambda run: (
            f"seed {run['seed']}: test accuracy {run['test_accuracy']:.4f}, Grad-CAM points to "
            + "; ".join(f"{game} {own['Grad-CAM']:.3f}" for game, own in run["pointing"].items())
            + f", {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    for game, names in runs[0]["pointing"].items() if runs else ():
        for name in names:
            mean = sum(run["pointing"][game][name] for run in runs) / len(runs)
            click.echo(f"{game:<12} {name:<12} {len(runs)} seeds  points to the shape in {mean:.4f}")


def _measured(
    dataset: Any, seed: int, *, train_size: int, epochs: int, mark_epochs: int, batch_size: int, test_size: int
) -> dict[str, Any]:
    """Train one network, explain and judge it, and return what was measured."""
    import keras
    import numpy as np
    from scipy import ndimage

    from cnn_course import datasets, lesson, models, saliency, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    train, _, test = dataset.split(train_size, seed=0)
    began = time.perf_counter()

    def fit(network: keras.Model, images: np.ndarray, epochs: int) -> None:
        shown = datasets.Dataset("shapes10", images, train.labels, train.class_names, "from the set")
        augment = training.FlipAndShift(seed=seed)
        fed = datasets.batches(shown, batch_size, shuffle=seed, augment=augment, drop_remainder=True)
        network.compile(
            keras.optimizers.Adam(training.TriangularSchedule(SETTINGS["peak_rate"], epochs * len(fed))),
            training.SmoothedCrossentropy(0.0),
            jit_compile=training.JIT_COMPILE,
        )
        network.fit(fed, epochs=epochs, shuffle=False, verbose=0)

    def network() -> keras.Model:
        return models.averaging_cnn((None, None, 3), len(train.class_names), stages=SETTINGS["stages"])

    honest = network()
    fit(honest, train.images, epochs)
    explainer = saliency.Explainer(honest)
    right = explainer.logits(test.images).argmax(axis=1) == test.labels
    judged = test.take(np.flatnonzero(right)[:test_size])
    random = np.random.default_rng(seed)

    def maps_of(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
        count, height, width = images.shape[:3]
        maps = {name: explainer(name, images, labels) for name in saliency.METHODS}
        centre = np.repeat(saliency.centre_map(height, width)[np.newaxis], count, axis=0)
        return maps | {"centre": centre, "random": saliency.random_maps(count, height, width, seed=seed)}

    measured: dict[str, Any] = {
        "test_accuracy": round(float(right.mean()), 4),
        "judged": len(judged),
        "pointing": {},
        "pointing_exactly": {},
        "energy": {},
    }
    games = {
        "one shape": saliency.off_centre(judged.images, judged.masks, seed=seed),
        "one of four": saliency.mosaics(judged.images, judged.masks, judged.labels)[:2],
    }
    for game, (images, masks) in games.items():
        maps = maps_of(images, judged.labels)
        hits = {n: saliency.pointing_game(v, masks, tolerance=SETTINGS["tolerance"]) for n, v in maps.items()}
        measured["pointing"][game] = {name: _mean(values) for name, values in hits.items()}
        exact = {n: saliency.pointing_game(v, masks) for n, v in maps.items()}
        measured["pointing_exactly"][game] = {name: _mean(values) for name, values in exact.items()}
        measured["energy"][game] = {n: _mean(saliency.energy_inside(v, masks)) for n, v in maps.items()}
    singles = judged.images[:100].astype("float32")
    labels = judged.labels[:100]
    blurred = ndimage.gaussian_filter(singles, (0, 6, 6, 0))
    maps = maps_of(judged.images[:100], labels)
    for what in ("insertion", "deletion"):
        measured[what] = {
            name: _mean(
                saliency.area_under(
                    saliency.perturbed(
                        lambda images: explainer.probabilities(images, labels),
                        singles,
                        blurred,
                        values,
                        insert=what == "insertion",
                        seed=seed,
                    )
                )
            )
            for name, values in maps.items()
        }
    measured["rank_correlation"] = {name: [1.0] for name in ("Grad-CAM", "gradient")}
    for _ in saliency.randomised(explainer.model, seed=seed):
        for name, values in measured["rank_correlation"].items():
            now = explainer(name, judged.images[:100], labels)
            values.append(_mean(saliency.rank_correlation(maps[name], now)))

    elsewhere = (judged.labels + random.integers(1, 10, len(judged))) % 10
    marked = {"right": saliency.with_marks(judged.images, judged.labels), "none": judged.images}
    marked["another"] = saliency.with_marks(judged.images, elsewhere)
    corner = np.broadcast_to(saliency.mark_mask(32, 32, margin=4), judged.masks.shape)

    def of_marks(network: keras.Model) -> dict[str, Any]:
        critic = saliency.Explainer(network)
        answers = {name: critic.logits(images).argmax(axis=1) for name, images in marked.items()}
        accuracy = {name: _mean(found == judged.labels) for name, found in answers.items()}
        energy = saliency.energy_inside(critic.grad_cam(marked["right"], judged.labels), corner)
        return {
            "accuracy": accuracy,
            "follows": _mean(answers["another"] == elsewhere),
            "energy_on_mark": _mean(energy),
        }

    clever = network()
    fit(clever, saliency.with_marks(train.images, train.labels), mark_epochs)
    measured["marks"] = {"honest": of_marks(honest), "clever": of_marks(clever)}
    mended = network()
    fit(mended, saliency.with_marks(train.images, random.integers(0, 10, len(train))), epochs)
    measured["marks"]["repaired"] = of_marks(mended)
    return {**measured, "seconds": round(time.perf_counter() - began, 1)}


def _mean(values: Any) -> float:
    return round(float(values.mean()), 4)


if __name__ == "__main__":
    main()
