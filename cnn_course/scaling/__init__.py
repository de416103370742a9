"""Training on more than one device: what it computes, what it costs, and workers that may be lost. Lesson 14.

- :mod:`arithmetic`: gradients of parts and of the whole, the ring all-reduce, seconds and speed-up, learning rates;
- :mod:`training`: one loop for every ``tf.distribute`` strategy, with checkpoints;
- :mod:`workers` and :mod:`worker`: the same loop in several processes of this machine.
"""

from cnn_course.scaling.arithmetic import (
    Link,
    bytes_of,
    most_useful_workers,
    ring_all_reduce,
    scaled_rate,
    speed_up,
    weighted_mean,
)
from cnn_course.scaling.training import batch_indices, parallel_step, shared_out, train_parallel
from cnn_course.scaling.workers import Attempt, WorkersFailed, run_workers, write_job

__all__ = [
    "Attempt",
    "Link",
    "WorkersFailed",
    "batch_indices",
    "bytes_of",
    "most_useful_workers",
    "parallel_step",
    "ring_all_reduce",
    "run_workers",
    "scaled_rate",
    "shared_out",
    "speed_up",
    "train_parallel",
    "weighted_mean",
    "write_job",
]
