"""Pre-train an encoder on CIFAR-10 without labels (lesson 10), then learn from 1 %, 10 % and all labels, several seeds.

    pre-training            SimCLR on all training images; the encoder is written in half precision, and all that
                            follows, the probe and the neighbours stored with it included, uses what was written
    probe, 1/10/100 %       a dense layer on its features, so many labels
    fine-tuned, ...         the whole network, from the encoder and that dense layer
    scratch, ...            the same network from its first weights: same labels, batches and steps
    scratch for as long     the same with 1 %, for as many pixels as the pre-training saw
    self-trained, 1 %       the encoder, tuned on images that the probe of 1 % has labelled instead of people

The labels are of each class alike; a seed draws them. The test images are judged once, after each training;
``--held-out`` judges training images instead, to choose by. So was the rate of the pre-training: five epochs of 10,000
images give a probe of 58.0 % with 0.15 and of 54.2 % with 0.06 (with views of 0.4 of the image and more, 58.4 %). So
was the share of the self-training: the surer half of the images gave 72.1 %, all of them 71.5 %, where the probe had
68.8 % (5,000 held-out images, one seed). The rest of ``SETTINGS`` has not been tuned. Every finished run is stored at
once in results/cifar10_simclr.json; started again, the script goes on with the runs that are missing. A pre-training
that was stopped goes on after its last epoch; it keeps the seconds of each.

    python benchmarks/cifar10_simclr.py
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import click
from few_labels import of_each_class
from stored_runs import WholeNumbers, chosen, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {
    "widths": (32, 128, 256),
    "temperature": 0.5,
    "rate": 0.15,
    "vector_rate": 20.0,
    "batch_size": 500,
    "views": {"smallest_area": 0.3, "size": 24},
    "projection": {"width": 256, "outputs": 128},
    "scratch_rate": 0.12,
    "tuning_rate": 0.04,
}
# Of the images that the probe puts into a class, this share is taken: those it is surest of.
SELF_TRAINING = {"share": 0.5, "batch_size": 250, "steps": 400}
# Share of the labels, and with it the images in one step and the steps.
SHARES = {"1 %": (0.01, 100, 500), "10 %": (0.1, 250, 1000), "100 %": (1.0, 500, 1000)}
KINDS = (
    "pre-training",
    *(f"{way}, {share}" for share in SHARES for way in ("probe", "fine-tuned", "scratch")),
    "scratch for as long, 1 %",
    "self-trained, 1 %",
)
# These take long, and one seed of them is stored.
ONCE = ("pre-training", "scratch for as long, 1 %")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "cifar10_simclr.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--kind", "only", multiple=True, help="A kind to run, instead of all; can be given again.")
@click.option(
    "--encoder",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the encoder. [default: data/simclr.npz; with --held-out beside --out]",
)
@click.option("--epochs", default=60, show_default=True, type=click.IntRange(1), help="Of the pre-training.")
@click.option("--held-out", default=0, show_default=True, help="Judge so many training images instead of the test's.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(
    out: Path,
    seeds: tuple[int, ...],
    only: tuple[str, ...],
    encoder: Path | None,
    epochs: int,
    held_out: int,
    at_most: int | None,
) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    kinds = chosen(only, KINDS, "--kind")
    usual = out.with_suffix(".npz") if held_out else ROOT / "data" / "simclr.npz"
    trial = _Trial(encoder or usual, epochs, held_out)
    runs = complete(
        out,
        {
            "what": "SimCLR on CIFAR-10: test accuracy (one view) of probe, fine-tuning and training from scratch by "
            "the share of the labels, and of the probe on all labels after pre-training; seconds of training.",
            "settings": {**SETTINGS, "shares": SHARES, "epochs": epochs, "held_out": held_out},
        },
        [{"kind": kind, "seed": seed} for kind in kinds for seed in (seeds[:1] if kind in ONCE else seeds)],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: trial.run(dataset, job["kind"], job["seed"]),
        tell=lambda run: (
            f"{run['kind']}, seed {run['seed']}: test accuracy {run['test_accuracy']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    tell_means(runs, "kind")


class _Trial:
    """The runs of one encoder."""

    def __init__(self, file: Path, epochs: int, held_out: int) -> None:
        self.file = file
        self.epochs = epochs
        self.held_out = held_out
        self._features: tuple[Any, Any] | None = None

    def run(self, dataset: Any, kind: str, seed: int) -> dict[str, Any]:
        """Do one training; return its accuracy on images that it has not seen, and its seconds."""
        import keras
        import numpy as np

        from cnn_course import lesson

        keras.backend.clear_session()
        lesson.seed_everything(seed)
        splits = dataset.split(validation_size=self.held_out, seed=0)
        train, judged = splits.train, splits.validation if self.held_out else splits.test
        if kind == "pre-training":
            return self._pretrained(train, judged, seed)
        way, share = kind.split(", ")
        part, size, steps = SHARES[share]
        rows = of_each_class(train.labels, np.round(part * np.bincount(train.labels)).astype(int), seed)
        if way == "probe":
            return self._probe(train, judged, rows)
        if way == "self-trained":
            return self._self_trained(train, judged, rows, seed)
        if way == "scratch for as long":
            pixels = (SETTINGS["views"]["size"] / train.image_shape[0]) ** 2
            steps = int(self.epochs * 2 * len(train) * pixels / size)
        return self._classifier(train.take(rows), judged, seed, size, steps, tuned=way == "fine-tuned")

    def _pretrained(self, train: Any, judged: Any, seed: int) -> dict[str, Any]:
        """Pre-train, write the encoder, and judge what was written beside an encoder that has learned nothing."""
        from cnn_course import contrastive, lesson, models, training

        encoder = contrastive.encoder(_network(train))
        untrained = self._judge(_features(encoder, train), _features(encoder, judged), train, judged)
        projection = contrastive.projection(SETTINGS["widths"][-1], **SETTINGS["projection"])
        simclr = contrastive.SimCLR(encoder, projection, temperature=SETTINGS["temperature"])
        steps = self.epochs * (len(train) // SETTINGS["batch_size"])
        rates = {name: SETTINGS[name] for name in ("rate", "vector_rate")}
        simclr.compile(contrastive.pretraining_optimiser(steps, **rates), jit_compile=training.JIT_COMPILE)
        history = contrastive.pretrain(
            simclr,
            train.images,
            contrastive.Views(**SETTINGS["views"]),
            epochs=self.epochs,
            batch_size=SETTINGS["batch_size"],
            seed=seed,
            backup=lesson.cache_folder() / "cifar10_simclr" / f"seed{seed}",
            callbacks=[training.EpochLog(epochs=self.epochs)],
        )
        self.file.parent.mkdir(parents=True, exist_ok=True)
        models.save_weights(encoder, self.file)
        self._features = None
        return {
            **self._judge(*self._known(train, judged), train, judged),
            "untrained": untrained,
            "parameters": encoder.count_params(),
            "seconds": round(sum(history["seconds"]), 1),
            "loss": [round(value, 4) for value in history["loss"]],
        }

    def _judge(self, known: Any, asked: Any, train: Any, judged: Any) -> dict[str, float]:
        """Return the accuracy of a probe on all labels and of nearest neighbours, and how evenly features spread."""
        from cnn_course import contrastive

        head = _head(known, train.labels)
        neighbours = contrastive.nearest_neighbours(known, train.labels, asked)
        return {
            "test_accuracy": _accuracy(head(asked), judged.labels),
            "neighbours": round(float((neighbours == judged.labels).mean()), 4),
            "uniformity": round(contrastive.uniformity(asked[:2000]), 3),
        }

    def _probe(self, train: Any, judged: Any, rows: Any) -> dict[str, Any]:
        """Train a dense layer on the features of some training images; its seconds do not count the pre-training."""
        known, asked = self._known(train, judged)
        began = time.perf_counter()
        head = _head(known[rows], train.labels[rows])
        took = time.perf_counter() - began
        return {"test_accuracy": _accuracy(head(asked), judged.labels), "seconds": round(took, 1)}

    def _self_trained(self, train: Any, judged: Any, rows: Any, seed: int) -> dict[str, Any]:
        """Fine-tune on the known labels and on the answers of the probe that it is surest of.

        D.-H. Lee 2013, *Pseudo-label*; after contrastive pre-training T. Chen and others 2020, *Big self-supervised
        models are strong semi-supervised learners*, arXiv 2006.10029, where all images are taken and probabilities
        teach.
        """
        import keras
        import numpy as np

        known, _ = self._known(train, judged)
        logits = _head(known[rows], train.labels[rows])(known)
        sure = keras.ops.convert_to_numpy(keras.ops.max(keras.ops.softmax(logits), axis=1))
        labels = keras.ops.convert_to_numpy(keras.ops.argmax(logits, axis=1)).astype(train.labels.dtype)
        surest = []
        for each in np.unique(labels):
            own = np.flatnonzero(labels == each)
            surest.append(own[np.argsort(-sure[own])][: int(SELF_TRAINING["share"] * len(own))])
        labels[rows] = train.labels[rows]
        taken = np.union1d(np.concatenate(surest), rows)
        images = dataclasses.replace(train, labels=labels).take(taken)
        size, steps = SELF_TRAINING["batch_size"], SELF_TRAINING["steps"]
        return {
            **self._classifier(images, judged, seed, size, steps, tuned=True),
            **SELF_TRAINING,
            "images": len(taken),
            "labels_right": round(float((images.labels == train.labels[taken]).mean()), 4),
        }

    def _classifier(self, images: Any, judged: Any, seed: int, size: int, steps: int, *, tuned: bool) -> dict[str, Any]:
        """Train the whole network on some training images, from the encoder or from its first weights."""
        from cnn_course import training

        began = time.perf_counter()
        network = _network(images)
        recipe = dataclasses.replace(
            _recipe(), batch_size=size, kernel_rate=SETTINGS["tuning_rate" if tuned else "scratch_rate"]
        )
        if tuned:
            encoder = self._encoder(network)
            head = _head(_features(encoder, images), images.labels)
            network.get_layer("head").kernel.assign(9 * head.kernel)  # its logits are multiplied by 1/9
        network.compile(
            training.recipe_optimiser(recipe, steps),
            training.SmoothedCrossentropy(recipe.smoothing),
            jit_compile=training.JIT_COMPILE,
        )
        batches = training.recipe_batches(recipe, images.images, images.labels, steps=(0, steps), seed=seed)
        history = network.fit(batches, shuffle=False, verbose=0).history
        took = time.perf_counter() - began
        return {
            "test_accuracy": round(training.accuracy_by_views(network, judged, (1,))[1], 4),
            "seconds": round(took, 1),
            "steps": steps,
            "loss": round(history["loss"][-1], 4),
        }

    def _known(self, train: Any, judged: Any) -> tuple[Any, Any]:
        """Return the features of the training images and of those that are judged; they are computed once."""
        if self._features is None:  # every run has the same images
            encoder = self._encoder(_network(train))
            self._features = _features(encoder, train), _features(encoder, judged)
        return self._features

    def _encoder(self, network: Any) -> Any:
        """Return the encoder of the network, with the weights that the pre-training has written."""
        from cnn_course import contrastive, models

        encoder = contrastive.encoder(network)
        try:
            models.load_weights(encoder, self.file)
        except models.WeightsUnavailable as error:
            raise click.ClickException(
                f"The encoder cannot be had: {error} Here: run --kind pre-training with an --out of its own first, or "
                "name its file with --encoder."
            ) from error
        return encoder


def _recipe() -> Any:
    from cnn_course import training

    return training.FastRecipe(widths=SETTINGS["widths"], batch_size=SETTINGS["batch_size"])


def _network(images: Any) -> Any:
    """Return the fast network, whitened by these images, which takes no label, and otherwise not trained."""
    from cnn_course import training

    return training.fast_model(_recipe(), images)


def _features(encoder: Any, images: Any) -> Any:
    return encoder.predict(images.images, batch_size=500, verbose=0)


def _head(known: Any, labels: Any) -> Any:
    from cnn_course import transfer

    return transfer.head(known, labels, 10)


def _accuracy(logits: Any, labels: Any) -> float:
    import keras

    return round(float((keras.ops.convert_to_numpy(logits).argmax(axis=1) == labels).mean()), 4)


if __name__ == "__main__":
    main()
