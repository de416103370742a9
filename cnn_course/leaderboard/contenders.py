"""Which networks stand in the table, how each is built, and which stored runs say what it reached."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras

from cnn_course import digits, models, training, transfer


@dataclass(frozen=True)
class Contender:
    """A network, and where its stored runs are.

    Attributes:
        name: In the table.
        lesson: Number of the lesson that trains it.
        data: The set on whose test images it was judged.
        file: Name of the results file, without ending.
        select: What all its runs in that file have in common, such as ``{"recipe": "five minutes"}``.
        build: Returns the network, without trained weights, for images of a fixed size.
        accuracy: The keys under which a run holds the test accuracy; of a list the last value counts.
        views: Views of each test image.
        weights: The network of :func:`cnn_course.models.trained` that has its trained weights.
        int8_accuracy: The keys under which a run holds the test accuracy of its int8 file, where it does.
    """

    name: str
    lesson: str
    data: str
    file: str
    select: dict[str, Any]
    build: Callable[[], keras.Model]
    accuracy: tuple[str, ...] = ("test_accuracy",)
    views: int = 1
    weights: str | None = None
    int8_accuracy: tuple[str, ...] = ()

    def runs(self, folder: Path) -> list[dict[str, Any]]:
        """Return its runs among those of the results folder; none where the file is not there."""
        file = folder / f"{self.file}.json"
        if not file.exists():
            return []
        stored = json.loads(file.read_text(encoding="utf-8"))
        return [run for run in stored["runs"] if all(run[key] == value for key, value in self.select.items())]

    def reached(self, run: dict[str, Any]) -> float:
        """Return the test accuracy of a run, in per cent."""
        return _per_cent(run, self.accuracy)

    def reached_in_int8(self, run: dict[str, Any]) -> float | None:
        """Return the test accuracy of a run's int8 file, in per cent; ``None`` where runs do not hold it."""
        return _per_cent(run, self.int8_accuracy) if self.int8_accuracy else None

    def took(self, run: dict[str, Any]) -> float:
        """Return the seconds of training of a run."""
        return _last(run["seconds"])


def contenders() -> tuple[Contender, ...]:
    """Return all networks of the table; those whose results are not there yet have no runs.

    Trainings that vary one network for a comparison, such as the depths of lesson 04, stay in their lessons.
    """
    return (*_of_cifar10(), *_of_mnist())


def _of_cifar10() -> list[Contender]:
    on_cifar = partial(Contender, data="cifar10")
    by_views = {views: ("test_accuracy", str(views)) for views in (1, 2)}
    timed = partial(on_cifar, lesson="04", file="cifar10_time_to_accuracy", accuracy=by_views[1])
    articles = partial(models.small_cnn, widths=(32, 64, 64), units=64)
    found = [
        timed("articles' CNN, stopped at 15 min", select={"contender": "articles' CNN"}, build=articles),
        timed("ResNet-20, stopped at 15 min", select={"contender": "ResNet-20"}, build=models.resnet20),
        on_cifar(
            "plain CNN, 25,000 images",
            lesson="03",
            file="cifar10_ladder",
            select={"rung": "lesson 03"},
            build=models.cifar_cnn,
            accuracy=by_views[1],
        ),
    ]
    kept = {"twenty minutes": "fast_network", "80,000 weights": "student"}
    found += [
        on_cifar(
            f"fast, {recipe}" + (", 2 views" if views == 2 else ""),
            lesson="04",
            file="cifar10_recipes",
            select={"recipe": recipe},
            build=partial(models.fast_network, (32, 32, 3), widths=settings.widths),
            accuracy=by_views[views],
            views=views,
            weights=kept.get(recipe),
        )
        for recipe, settings in training.FAST_RECIPES.items()
        for views in by_views
    ]
    found += [
        on_cifar(
            f"EfficientNet-Lite0, {name}, {size}x{size}",
            lesson="05",
            file="cifar10_transfer",
            select={"kind": kind},
            build=partial(_efficientnet, size),
        )
        for name, kind, size in (("head", "head, all labels", 160), ("tuned", "fine-tuned", 96))
    ]
    found += [
        on_cifar(
            name,
            lesson="07",
            file="cifar10_distillation",
            select={"kind": kind},
            build=partial(models.student, (32, 32, 3)),
        )
        for name, kind in (("student, 10 epochs", "labels alone"), ("student distilled, 10 epochs", "distilled"))
    ]
    return [
        *found,
        on_cifar(
            "ResNet-8",
            lesson="08",
            file="cifar10_quantization",
            select={},
            build=models.resnet8,
            accuracy=("files", "float32, further", "test_accuracy"),
            int8_accuracy=("files", "int8, further", "test_accuracy"),
        ),
        on_cifar(
            "SimCLR, probe",
            lesson="10",
            file="cifar10_simclr",
            select={"kind": "pre-training"},
            build=partial(models.fast_network, (32, 32, 3), widths=(32, 128, 256)),
        ),
    ]


def _of_mnist() -> list[Contender]:
    return [
        Contender(
            f"digits, {name}",
            lesson="02",
            data="mnist",
            file="mnist_accuracy",
            select={"recipe": name},
            build=partial(_digits, recipe),
        )
        for name, recipe in digits.RECIPES.items()
    ]


def _digits(recipe: digits.Recipe) -> keras.Model:
    return getattr(models, recipe.network)(**recipe.arguments)


def _efficientnet(size: int) -> keras.Model:
    backbone = transfer.backbone(image_size=size, weights="random")  # the cost does not depend on them
    return transfer.classifier(backbone, keras.layers.Dense(10))


def _per_cent(run: dict[str, Any], keys: tuple[str, ...]) -> float:
    value: Any = run
    for key in keys:
        value = value[key]
    return 100 * _last(value)


def _last(value: Any) -> float:
    return float(value[-1] if isinstance(value, list) else value)
