"""What a training prints and how fast it is: callbacks and measurements for ``keras.Model.fit``."""

import time
from collections.abc import Iterable

import keras


class EpochLog(keras.callbacks.Callback):
    """Print one compact line for each epoch; for ``fit(verbose=0)``.

    ``epoch  3/12  loss 0.123  accuracy 0.971  val_accuracy 0.978  4.1 s``

    Args:
        every: Print every ``every``-th epoch, and always the last one.
        label: A word before each line, to tell several runs apart.
        epochs: Those of the whole training, where it is made of several fits; by default those of the fit.

    After training ``seconds`` holds the duration of each epoch in seconds, its validation included.
    """

    def __init__(self, *, every: int = 1, label: str = "", epochs: int | None = None) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every is {every}; it counts epochs and must be at least 1.")
        self.every = every
        self.label = label
        self.epochs = epochs
        self.seconds: list[float] = []
        self._began = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forget the durations of an earlier ``fit``."""
        self.seconds = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Note the time."""
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Print the epoch's line."""
        self.seconds.append(time.perf_counter() - self._began)
        epochs = self.epochs or self.params.get("epochs") or epoch + 1
        if (epoch + 1) % self.every and epoch + 1 != epochs:
            return
        # The rate is scheduled, not measured, and the validation loss would make the line too long for a narrow screen.
        hidden = ("learning_rate", "val_loss")
        values = [f"{name} {value:.3f}" for name, value in (logs or {}).items() if name not in hidden]
        # The order of Keras' logs is alphabetical; a reader looks for the loss first.
        values.sort(key=lambda text: (text.startswith("val_"), not text.startswith("loss")))
        counter = f"epoch {epoch + 1:>{len(str(epochs))}}/{epochs}"
        print("  ".join([*filter(None, [self.label]), counter, *values, f"{self.seconds[-1]:.1f} s"]), flush=True)


class StepRate(keras.callbacks.Callback):
    """Measure how many steps a second ``fit`` makes, its first ``skip`` steps not counted.

    The first steps trace and optimise the computation and fill the shuffle buffer.
    """

    def __init__(self, *, skip: int = 3) -> None:
        super().__init__()
        if skip < 1:
            raise ValueError(f"skip is {skip}; at least the first step must be left out.")
        self.skip = skip
        self._steps = 0
        self._began = self._ended = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Begin to count anew."""
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count one step."""
        self._steps += 1
        self._ended = time.perf_counter()
        if self._steps == self.skip:
            self._began = self._ended

    @property
    def steps_per_second(self) -> float:
        """The rate of the last ``fit``."""
        if self._steps <= self.skip:
            raise ValueError(f"There were {self._steps} steps, of which {self.skip} are not counted: train for longer.")
        return (self._steps - self.skip) / (self._ended - self._began)


def images_per_second(batches: Iterable, *, skip: int = 1) -> float:
    """Return the rate at which ``batches`` of (images, labels) come, the first ``skip`` of them not counted.

    The first batches of a ``tf.data`` pipeline pay for its start and for the filling of its shuffle buffer.
    """
    images = 0
    start = time.perf_counter()
    for k, (batch, _) in enumerate(batches):
        if k < skip:
            start = time.perf_counter()
        else:
            images += len(batch)
    if images == 0:
        raise ValueError(f"There are no more than the {skip} batches that are not counted.")
    return images / (time.perf_counter() - start)
