"""Learning rates as functions of the step. Derived in lesson 03."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("cnn_course")
class TriangularSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly to its peak and falls linearly to (almost) zero: one cycle.

    The rate starts at ``start * peak``, reaches ``peak`` after ``warmup * steps`` steps, and ends at ``end * peak``
    after ``steps`` steps, where it stays (the one-cycle policy of Smith and Topin 2017, arXiv 1708.07120, without the
    cycle of the momentum).

    Args:
        peak: The largest learning rate.
        steps: Optimiser steps of the whole training: epochs times batches in an epoch.
        warmup: The fraction of the steps before the peak, above 0 and below 1.
        start: The first rate as a fraction of ``peak``.
        end: The last rate as a fraction of ``peak``.
    """

    def __init__(self, peak: float, steps: int, *, warmup: float = 0.25, start: float = 0.1, end: float = 0.0) -> None:
        if peak <= 0 or steps < 1:
            raise ValueError(f"peak is {peak} and steps is {steps}; both must be positive.")
        if not 0 < warmup < 1:
            raise ValueError(f"warmup is {warmup}; it is a fraction of the steps, above 0 and below 1.")
        self.peak = float(peak)
        self.steps = int(steps)
        self.warmup = float(warmup)
        self.start = float(start)
        self.end = float(end)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of ``step``, counted from 0, as a float32 scalar."""
        done = keras.ops.minimum(keras.ops.cast(step, "float32") / self.steps, 1.0)
        rising = self.start + (1 - self.start) * done / self.warmup
        falling = self.end + (1 - self.end) * (1 - done) / (1 - self.warmup)
        return self.peak * keras.ops.where(done < self.warmup, rising, falling)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as Keras needs them to save an optimiser."""
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup": self.warmup,
            "start": self.start,
            "end": self.end,
        }
