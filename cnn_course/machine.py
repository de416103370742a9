"""The machine that this process runs on: versions, devices, processor, memory."""

import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

import psutil

PROCESS_STATUS = Path("/proc/self/status")
PACKAGES = ("tensorflow", "keras", "jax", "numpy", "cnn-course")
# Processor features that change which number formats are fast, under the names that Linux gives them.
CPU_FEATURES = {
    "avx2": "256-bit vectors: float32 at a fair speed",
    "avx512f": "512-bit vectors: float32 at full speed",
    "avx512_bf16": "bfloat16 products: mixed_bfloat16 trains faster than float32",
    "avx512_fp16": "float16 products, where the library has a kernel that uses them",
    "avx512_vnni": "8-bit products: int8 inference can be faster (lesson 08)",
    "amx_bf16": "bfloat16 matrix tiles: mixed_bfloat16 trains much faster",
    "amx_fp16": "float16 matrix tiles, where the library has a kernel that uses them",
}


def environment() -> dict[str, Any]:
    """Return versions, backend and devices of this process, as they go into every results file."""
    import keras

    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "versions": versions,
        "backend": keras.backend.backend(),
        "device": device_name(),
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def device_name() -> str:
    """Return the name of the first GPU, or ``"CPU"``."""
    import keras

    if not has_gpu():
        return "CPU"
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_details().get("device_name", "GPU")
    if keras.backend.backend() == "jax":
        import jax

        return jax.devices()[0].device_kind
    return "GPU"


def gpu_capability() -> tuple[int, int] | None:
    """Return the compute capability of the first GPU, or ``None`` where it is not known or there is none."""
    import keras

    if not has_gpu():
        return None
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_details().get("compute_capability")
    if keras.backend.backend() == "jax":
        import jax

        told = getattr(jax.devices()[0], "compute_capability", None)  # such as "9.0"
        return tuple(int(part) for part in told.split(".")) if told else None
    return None


def _tensorflow_details() -> dict[str, Any]:
    """Return what TensorFlow knows of the first GPU."""
    import tensorflow as tf

    return tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])


def cpu_name() -> str:
    """Return the processor's name as the operating system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def cpu_features() -> dict[str, bool | None]:
    """Return for each of :data:`CPU_FEATURES` whether the processor has it; ``None`` where that cannot be read."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return dict.fromkeys(CPU_FEATURES)
    flags = next((line.split(":", 1)[1].split() for line in text.splitlines() if line.startswith("flags")), None)
    return {name: None if flags is None else name in flags for name in CPU_FEATURES}


def memory_bytes() -> int:
    """Return the size of this machine's memory in bytes."""
    return psutil.virtual_memory().total


def peak_memory_bytes() -> int:
    """Return the largest amount of memory that this process has held, in bytes."""
    try:  # Linux, whose getrusage tells the peak of the process that started this one, if it was larger
        peak = re.search(r"^VmHWM:\s*(\d+) kB", PROCESS_STATUS.read_text(), flags=re.MULTILINE)
    except OSError:
        peak = None
    if peak:  # some containers leave it out
        return 1024 * int(peak[1])
    try:
        import resource
    except ImportError:  # Windows
        return psutil.Process().memory_info().peak_wset
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def has_gpu() -> bool:
    """Return whether Keras' backend sees a GPU."""
    import keras

    return bool(keras.distribution.list_devices("gpu"))
