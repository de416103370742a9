"""The networks among which lesson 11 searches, and a table of all of them, trained in advance."""

import itertools
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import keras_tuner
import numpy as np

from cnn_course import datasets, training


class SmallNetworks(keras_tuner.HyperModel):
    """Plain networks of a chosen depth and width, trained at a chosen constant rate. Each is compiled once.

    Each convolution is followed by max pooling and has twice the channels of the one before; lesson 03 has the reasons
    for the order of its layers. The rate is constant, so that a short training is the beginning of a longer one, as
    Hyperband takes it. Tiny networks take longer to compile than to train: a training takes the compiled network of its
    depth and width, gives it new first weights and an empty optimiser, and changes the rate.

    Args:
        train: The images to learn from.
        validation: The images to choose by.
        space: For each of "depth", "width" and "rate" its values. KerasTuner chooses among those of depth and width,
            and any rate between the smallest and the largest one, on a logarithmic scale.
        batch_size: Images in a step.
        seed: Of all trainings; each mixes it with its setting, so that a setting repeats bit for bit.
    """

    def __init__(
        self,
        train: "datasets.Dataset",
        validation: "datasets.Dataset",
        space: Mapping[str, Sequence[float]],
        *,
        batch_size: int,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if set(space) != {"depth", "width", "rate"} or not all(space.values()):
            raise ValueError(f"space has {', '.join(space) or 'nothing'}; it needs values of depth, width and rate.")
        self.train, self.validation, self.space = train, validation, {key: tuple(space[key]) for key in space}
        self.batch_size, self.seed = batch_size, seed
        self.judged = datasets.batches(validation, min(500, len(validation)))
        self.compiled: dict[tuple, keras.Model] = {}  # by image shape, classes, depth and width

    def build(self, hp: "keras_tuner.HyperParameters") -> keras.Model:
        """Return the untrained network of the setting that ``hp`` holds; declares the space."""
        depth = hp.Choice("depth", self.space["depth"])
        width = hp.Choice("width", self.space["width"])
        rate = hp.Float("rate", min(self.space["rate"]), max(self.space["rate"]), sampling="log")
        return self.fresh(depth, width, rate, seed=self._seed_of(hp))

    def fit(self, hp: "keras_tuner.HyperParameters", model: keras.Model, **keywords: Any) -> keras.callbacks.History:
        """Train ``model``, which :meth:`build` has returned; the keywords are those of ``keras.Model.fit``."""
        return self.learn(model, seed=self._seed_of(hp), **keywords)

    def fresh(self, depth: int, width: int, rate: float, *, seed: int) -> keras.Model:
        """Return the network of this depth and width with new weights and this rate."""
        kind = (self.train.image_shape, len(self.train.class_names), depth, width)
        if kind not in self.compiled:
            self.compiled[kind] = _small_network(*kind)
        model = self.compiled[kind]
        for k, layer in enumerate(model.layers):
            for variable in layer.weights:
                if variable.name == "kernel":
                    draw = keras.initializers.HeNormal(seed=1000 * seed + k)
                    variable.assign(draw(variable.shape))
                else:
                    variable.assign(np.full(variable.shape, variable.name in ("gamma", "moving_variance")))
        training.forget_steps(model.optimizer)
        model.optimizer.learning_rate = rate
        return model

    def learn(self, model: keras.Model, *, seed: int, **keywords: Any) -> keras.callbacks.History:
        """Train a network that :meth:`fresh` has returned; the order of the images follows from ``seed``."""
        pipeline = datasets.batches(self.train, self.batch_size, shuffle=seed)
        settings = {"validation_data": self.judged, "shuffle": False, "verbose": 0}
        return model.fit(pipeline, **settings | keywords)

    def compile_all(self) -> None:
        """Compile every architecture of the space, so that no trial's seconds include it."""
        for depth, width in itertools.product(self.space["depth"], self.space["width"]):
            self.learn(self.fresh(depth, width, 0.0, seed=0), seed=0, steps_per_epoch=1)

    def _seed_of(self, hp: "keras_tuner.HyperParameters") -> int:
        setting = [f"{name} {hp.values[name]!r}" for name in ("depth", "width", "rate") if name in hp.values]
        return zlib.crc32(f"{self.seed} {setting}".encode()) % 2**20


def _small_network(shape: tuple[int, int, int], classes: int, depth: int, width: int) -> keras.Model:
    x = inputs = keras.Input(shape)
    x = keras.layers.Rescaling(1 / 255)(x)
    for k in range(depth):
        x = keras.layers.Conv2D(width * 2**k, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(keras.layers.MaxPooling2D()(x))
        x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(classes)(x), name=f"depth{depth}_width{width}")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(momentum=0.9, nesterov=True), loss, metrics=["accuracy"])
    training.build_state(model, classes)
    return model


@dataclass(frozen=True)
class Table:
    """Every setting of a small space, trained with several seeds: a search among them is a matter of looking up.

    The idea is that of NAS-Bench-101 (C. Ying and others 2019, arXiv 1902.09635).

    Args:
        space: The values of each hyperparameter, such as "depth", "width" and "rate".
        scores: Validation accuracy after each epoch, (values of the first, values of the second, ..., seeds, epochs).
        tested: Test accuracy after the last epoch, (values of the first, ..., seeds).
        seconds: Duration of one epoch, (values of the first, ...).
    """

    space: Mapping[str, Sequence[float]]
    scores: np.ndarray
    tested: np.ndarray
    seconds: np.ndarray

    def __post_init__(self) -> None:
        sizes = tuple(len(values) for values in self.space.values())
        trained = (*sizes, *self.scores.shape[-2:-1])
        if (self.scores.shape[:-1], self.tested.shape, self.seconds.shape) != (trained, trained, sizes):
            raise ValueError(
                f"In a space of {sizes} values the scores must have the shape {(*sizes, 'seeds', 'epochs')}, the test "
                f"accuracies {(*sizes, 'seeds')} and the seconds {sizes}; they have {self.scores.shape}, "
                f"{self.tested.shape} and {self.seconds.shape}."
            )

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Table":
        """Return the table that ``benchmarks/shapes10_search_table.py`` has stored; its content as read from JSON.

        Raises:
            ValueError: A setting of the space is missing.
        """
        space = {name: tuple(values) for name, values in stored["space"].items()}
        runs = {tuple(run[name] for name in space): run for run in stored["runs"]}
        settings = list(itertools.product(*space.values()))
        missing = [setting for setting in settings if setting not in runs]
        if missing:
            raise ValueError(
                f"{len(missing)} of the table's {len(settings)} settings are missing, the first of them "
                f"{dict(zip(space, missing[0], strict=True))}. benchmarks/shapes10_search_table.py goes on with them."
            )
        sizes, epochs = [len(values) for values in space.values()], stored["settings"]["epochs"]

        def column(name: str) -> np.ndarray:
            values = np.array([runs[setting][name] for setting in settings], dtype=float)
            return values.reshape(*sizes, *values.shape[1:])

        return cls(space, column("val_accuracy"), column("test_accuracy"), column("seconds") / epochs)

    @property
    def seeds(self) -> int:
        """How often each setting was trained."""
        return self.scores.shape[-2]

    @property
    def epochs(self) -> int:
        """The length of each training."""
        return self.scores.shape[-1]

    def place(self, setting: Mapping[str, float]) -> tuple[int, ...]:
        """Return where a setting stands along each hyperparameter."""
        return tuple(list(values).index(setting[name]) for name, values in self.space.items())

    def mean(self, setting: Mapping[str, float], *, without: int | None = None) -> float:
        """Return the mean score of a setting over its seeds, after the last epoch.

        ``without`` leaves one of them out, such as :attr:`Trial.seed`: the mean of the others is free of its luck.
        """
        scores = self.scores[self.place(setting)][:, -1]
        return float((scores if without is None else np.delete(scores, without)).mean())
