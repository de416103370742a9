"""Repeat the two comparisons of lesson 04 on CIFAR-10 over several seeds: depth with and without shortcuts, and stems.

Depth: plain and residual networks of 8, 20 and 44 layers on images of half the height and width, judged by their
training loss in the last epoch. Stem: ResNet-18 with either stem on whole images, judged by the test images after the
last epoch. Every finished run is stored at once in results/cifar10_residual.json; started again, the script goes on
with the runs that are missing. One learning rate for all, that of He and others (2015, section 4.2); nothing was tuned.

    python benchmarks/cifar10_residual.py
"""

import time
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, complete

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = (
    *(f"{kind}, {depth} layers" for kind in ("plain", "residual") for depth in (8, 20, 44)),
    *(f"ResNet-18, {stem} stem" for stem in ("cifar", "imagenet")),
)
RATE = 0.1


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_residual.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--train-size", default=8_000, show_default=True, type=click.IntRange(1), help="Training images.")
@click.option("--epochs", default=4, show_default=True, type=click.IntRange(1))
@click.option("--batch-size", default=100, show_default=True, type=click.IntRange(1))
@click.option("--width", default=16, show_default=True, type=click.IntRange(1), help="Channels of the first stage.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(out: Path, seeds: tuple[int, ...], at_most: int | None, **settings: Any) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    complete(
        out,
        {
            "what": "Training loss of the last epoch by depth and kind, on halved images; test accuracy by stem.",
            "settings": {**settings, "rate": RATE},
            "networks": NETWORKS,
        },
        [{"network": name, "seed": seed} for seed in seeds for name in NETWORKS],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _trained(dataset, job["network"], job["seed"], **settings),
        tell=lambda run: (
            f"{run['network']}, seed {run['seed']}: training loss {run['loss'][-1]:.3f}, "
            f"test accuracy {run['test_accuracy']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )


def _trained(
    dataset: Any, name: str, seed: int, *, train_size: int, epochs: int, batch_size: int, width: int
) -> dict[str, Any]:
    """Train one network and return its training losses and its accuracy on the test images."""
    import keras

    from cnn_course import lesson, models, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    splits = dataset.split(train_size, 0, seed=seed)
    images, test_images = splits.train.images, splits.test.images
    if name.startswith("ResNet-18"):
        network = models.resnet18(stem=name.split()[1], width=width)
    else:
        images, test_images = _halved(images), _halved(test_images)
        depth, shortcut = int(name.split()[1]), name.startswith("residual")
        network = models.cifar_network(depth, images.shape[1:], width=width, shortcut=shortcut)
    began = time.perf_counter()
    network.compile(
        keras.optimizers.SGD(
            training.TriangularSchedule(RATE, epochs * -(-len(images) // batch_size)), momentum=0.9, nesterov=True
        ),
        training.SmoothedCrossentropy(0.0),
        metrics=["accuracy"],
        jit_compile=False,
    )
    history = network.fit(images, splits.train.labels, batch_size=batch_size, epochs=epochs, verbose=0).history
    seconds = time.perf_counter() - began
    answers = network.predict(test_images, batch_size=500, verbose=0).argmax(axis=1)
    return {
        "parameters": network.count_params(),
        "loss": [round(value, 4) for value in history["loss"]],
        "test_accuracy": round(float((answers == splits.test.labels).mean()), 4),
        "seconds": round(seconds, 1),
    }


def _halved(images: Any) -> Any:
    """Return images of half the height and width, each pixel the mean of four; float32."""
    count, height, width, channels = images.shape
    return images.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4)).astype("float32")


if __name__ == "__main__":
    main()
