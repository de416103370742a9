"""Train the student of lesson 07 on CIFAR-10 with and without a teacher, several seeds of each.

The teacher is the fast network that travels with the course (data/fast_network.npz). Both kinds of student see all
50,000 training images in the same order, mirrored and moved alike, and begin with the same weights; only the loss
differs. They are judged on the test images once, after the last epoch.

The temperature was chosen on 5,000 held-out training images (``--held-out``; the teacher itself has seen those), with
one seed and six epochs: labels alone 85.5 %, without label smoothing 85.1 %; with the teacher at temperature 1 85.9 %,
at temperature 2 85.3 %. Before that the usual temperature 4 had been tried for one seed and fifteen epochs, and gave
nothing (87.45 % of the test images, labels alone 87.54 %). The teacher was trained with label smoothing 0.2, so its
answers are soft as they are. The weight has not been tuned.

Every finished run is stored at once in results/cifar10_distillation.json; started again, the script goes on with the
runs that are missing.

    python benchmarks/cifar10_distillation.py
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {"epochs": 10, "temperature": 1.0, "weight": 0.9}
# Share of the teacher in the loss, and label smoothing of the rest, which is what the recipe has without a teacher.
KINDS = {"labels alone": (0.0, 0.2), "distilled": (SETTINGS["weight"], 0.0)}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_distillation.json")
@click.option("--seeds", default="0,1,2,3,4", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--held-out", default=0, show_default=True, help="Judge so many training images instead of the test's.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], held_out: int, at_most: int | None) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    runs = complete(
        out,
        {
            "what": "A student with and without a teacher: test accuracy (one view) after the last epoch.",
            "settings": {**SETTINGS, "held_out": held_out},
            "kinds": KINDS,
        },
        [{"kind": kind, "seed": seed} for seed in seeds for kind in KINDS],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _trained(dataset, *KINDS[job["kind"]], job["seed"], held_out),
        tell=lambda run: (
            f"{run['kind']}, seed {run['seed']}: test accuracy {run['test_accuracy']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    tell_means(runs, "kind")


def _trained(dataset: Any, weight: float, smoothing: float, seed: int, held_out: int) -> dict[str, Any]:
    """Train one student; return its size, its accuracy on images that it has not seen, and its seconds of training."""
    import keras

    from cnn_course import distillation, lesson, models, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    splits = dataset.split(validation_size=held_out, seed=0)
    recipe = dataclasses.replace(
        training.FAST_RECIPES["80,000 weights"], epochs=SETTINGS["epochs"], small_epochs=0, smoothing=smoothing
    )
    began = time.perf_counter()
    student = training.fast_model(recipe, splits.train)
    learner = student
    if weight:
        teacher = models.trained("fast_network", dtype="mixed_bfloat16")
        learner = distillation.Distiller(student, teacher, temperature=SETTINGS["temperature"], weight=weight)
    history = training.fit_recipe(learner, recipe, splits.train, seed=seed)
    judged = splits.validation if held_out else splits.test
    return {
        "parameters": student.count_params(),
        "test_accuracy": round(training.accuracy_by_views(student, judged, (1,))[1], 4),
        "seconds": round(time.perf_counter() - began, 1),
        "loss": [round(value, 4) for value in history["loss"]],
    }


if __name__ == "__main__":
    main()
