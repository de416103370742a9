"""How the course trains: what a run prints, its learning-rate schedule, fast augmentation, and honest timing.

Everything here serves ``keras.Model.fit``; nothing replaces it. Derived in lesson 03.
"""

import math
import time

import keras


class EpochLog(keras.callbacks.Callback):
    """Print one compact line for each epoch; for ``fit(verbose=0)``.

    ``epoch  3/12  loss 0.123  accuracy 0.971  val_accuracy 0.978  4.1 s``

    Args:
        every: Print every ``every``-th epoch, and always the last one.
        label: A word before each line, to tell several runs apart.

    After training ``seconds`` holds the duration of each epoch in seconds, its validation included.
    """

    def __init__(self, *, every: int = 1, label: str = "") -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every is {every}; it counts epochs and must be at least 1.")
        self.every = every
        self.label = label
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
        epochs = self.params.get("epochs") or epoch + 1
        if (epoch + 1) % self.every and epoch + 1 != epochs:
            return
        # The rate is scheduled, not measured, and the validation loss would make the line too long for a narrow screen.
        hidden = ("learning_rate", "val_loss")
        values = [f"{name} {value:.3f}" for name, value in (logs or {}).items() if name not in hidden]
        # The order of Keras' logs is alphabetical; a reader looks for the loss first.
        values.sort(key=lambda text: (text.startswith("val_"), not text.startswith("loss")))
        counter = f"epoch {epoch + 1:>{len(str(epochs))}}/{epochs}"
        print("  ".join([*filter(None, [self.label]), counter, *values, f"{self.seconds[-1]:.1f} s"]), flush=True)


@keras.saving.register_keras_serializable("cnn_course")
class TriangularSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly to its peak and falls linearly to (almost) zero: one cycle.

    The rate starts at ``start * peak``, reaches ``peak`` after ``warmup * steps`` steps, and ends at ``end * peak`` at
    step ``steps``, where it stays (Smith and Topin 2017, arXiv 1708.07120, in its linear form).

    Args:
        peak: The largest learning rate.
        steps: Optimiser steps of the whole training, (epochs x batches of an epoch).
        warmup: The fraction of the steps before the peak, from 0 to 1.
        start: The first rate as a fraction of ``peak``.
        end: The last rate as a fraction of ``peak``.
    """

    def __init__(self, peak: float, steps: int, *, warmup: float = 0.25, start: float = 0.1, end: float = 0.0) -> None:
        if peak <= 0 or steps < 1:
            raise ValueError(f"peak is {peak} and steps is {steps}; both must be positive.")
        if not 0 <= warmup <= 1:
            raise ValueError(f"warmup is {warmup}; it is a fraction of the steps, from 0 to 1.")
        self.peak = float(peak)
        self.steps = int(steps)
        self.warmup = float(warmup)
        self.start = float(start)
        self.end = float(end)

    def __call__(self, step: int | keras.KerasTensor) -> keras.KerasTensor:
        """Return the learning rate of ``step`` (counted from 0) as a float32 scalar."""
        step = keras.ops.cast(step, "float32")
        top = max(self.warmup * self.steps, 1e-9)
        rest = max(self.steps - self.warmup * self.steps, 1e-9)
        rising = self.start + (1 - self.start) * step / top
        falling = self.end + (1 - self.end) * (self.steps - step) / rest
        return self.peak * keras.ops.maximum(keras.ops.minimum(rising, falling), min(self.start, self.end))

    def get_config(self) -> dict:
        """Return the arguments, as Keras needs them to save an optimiser."""
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup": self.warmup,
            "start": self.start,
            "end": self.end,
        }


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Return how many batches of ``batch_size`` cover ``images``, the last one perhaps smaller."""
    return math.ceil(images / batch_size)
