"""Number formats of half the bits: what they can hold, and what they save on this machine. Derived in lesson 06.

P. Micikevicius and others 2017, "Mixed precision training", arXiv 1710.03740.
"""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from cnn_course import machine


@dataclass(frozen=True)
class NumberFormat:
    """A binary floating-point format: a sign, an exponent and a fraction (IEEE 754).

    A number with exponent e and fraction f has the value ``2^e (1 + f / 2^fraction_bits)``; below the smallest exponent
    there are equally spaced *subnormal* numbers down to zero.
    """

    name: str
    exponent_bits: int
    fraction_bits: int

    @property
    def largest_exponent(self) -> int:
        """The exponent of the largest numbers; the smallest exponent is 1 less its size."""
        return 2 ** (self.exponent_bits - 1) - 1

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return 2.0**self.largest_exponent * (2 - 2.0**-self.fraction_bits)

    @property
    def smallest_normal(self) -> float:
        """The smallest positive number with all its digits."""
        return 2.0 ** (1 - self.largest_exponent)

    @property
    def smallest(self) -> float:
        """The smallest positive number."""
        return self.smallest_normal * 2.0**-self.fraction_bits

    @property
    def spacing(self) -> float:
        """The distance from 1 to the next number above."""
        return 2.0**-self.fraction_bits

    def round(self, values: np.ndarray) -> np.ndarray:
        """Return the nearest numbers of the format, as float64; ties go to the even fraction, overflow to infinity."""
        values = np.asarray(values, "float64")
        exponents = np.maximum(np.frexp(values)[1] - 1, 1 - self.largest_exponent)
        steps = np.ldexp(1.0, exponents - self.fraction_bits)
        rounded = np.round(values / steps) * steps
        return np.where(np.abs(rounded) > self.largest, np.copysign(np.inf, rounded), rounded)


FORMATS = {
    each.name: each
    for each in (NumberFormat("float32", 8, 23), NumberFormat("bfloat16", 8, 7), NumberFormat("float16", 5, 10))
}


def advice() -> tuple[str, str]:
    """Return the policy that should train fastest on this machine, and why."""
    if machine.has_gpu():
        capability = machine.gpu_capability()
        if capability and capability < (7, 0):
            return "float32", f"a GPU of compute capability {capability[0]}.{capability[1]} has no tensor cores"
        also = ", bfloat16 ones as well" if capability and capability >= (8, 0) else ""
        return "mixed_float16", f"a GPU with tensor cores multiplies 16-bit numbers several times faster{also}"
    features = machine.cpu_features()
    for flag in ("amx_bf16", "avx512_bf16"):
        if features[flag]:
            return "mixed_bfloat16", f"this processor has {flag}: {machine.CPU_FEATURES[flag].split(':')[0]}"
    if None in features.values():
        return "float32", "this system does not tell whether its processor can multiply bfloat16 numbers"
    return "float32", "this processor has no instructions for 16-bit products, which would be computed in float32"


@dataclass(frozen=True)
class StepCost:
    """What training steps cost: seconds for one step (median), and memory in bytes.

    ``peak_bytes`` is the most that the process held, of the GPU's memory where there is one; ``start_bytes`` is what
    it had held before its first step, with TensorFlow and the weights.
    """

    seconds: float
    peak_bytes: int
    start_bytes: int

    @property
    def step_bytes(self) -> int:
        """What the steps added: activations, gradients, and the compiled computation."""
        return self.peak_bytes - self.start_bytes


def step_cost(
    policy: str,
    *,
    widths: tuple[int, ...] = (32, 128, 128),
    image_size: int = 32,
    batch_size: int = 500,
    steps: int = 8,
    jit_compile: bool = False,
) -> StepCost:
    """Return what training steps of :func:`cnn_course.models.fast_network` cost under a policy, on random images.

    They run in a process of their own: the peak of a process's memory never falls, and two policies in one process
    would share it.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(_step_cost, policy, widths, image_size, batch_size, steps, jit_compile).result()


def _step_cost(
    policy: str, widths: tuple[int, ...], image_size: int, batch_size: int, steps: int, jit_compile: bool
) -> StepCost:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    import keras

    from cnn_course import models, training

    random = np.random.default_rng(0)
    images = random.integers(0, 256, (batch_size, image_size, image_size, 3)).astype("uint8")
    labels = random.integers(0, 10, batch_size)
    model = models.fast_network(widths=widths, dtype=policy)
    optimiser = keras.optimizers.SGD(1e-3, momentum=0.9)
    if policy == "mixed_float16":  # compile adds the scaling for a global policy only
        optimiser = keras.optimizers.LossScaleOptimizer(optimiser)
    model.compile(optimiser, training.SmoothedCrossentropy(0.1), jit_compile=jit_compile)
    start_bytes = _peak_bytes()
    seconds = []
    for _ in range(steps + 2):
        began = time.perf_counter()
        model.train_on_batch(images, labels)
        seconds.append(time.perf_counter() - began)
    return StepCost(float(np.median(seconds[2:])), _peak_bytes(), start_bytes)


def _peak_bytes() -> int:
    """Return the peak of this process's memory where it trains: on the GPU, else on the processor."""
    import keras

    if machine.has_gpu() and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return machine.peak_memory_bytes()
