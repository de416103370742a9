"""Networks that the course itself has trained on CIFAR-10, kept as half-precision weights in data/."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from cnn_course import bundled
from cnn_course.files import read_arrays, write_arrays
from cnn_course.models.fast import fast_network, student
from cnn_course.models.weights import WeightsUnavailable

# data/README.md gives the command that trains them.
TRAINED: dict[str, Callable[..., keras.Model]] = {"fast_network": fast_network, "student": student}


def trained(name: str, *, dtype: str = "float32", file: Path | None = None) -> keras.Model:
    """Return a network with the weights that it learned from CIFAR-10: ``"fast_network"`` or ``"student"``.

    Args:
        name: The network.
        dtype: As in :func:`cnn_course.models.fast_network`.
        file: Weights to read instead of those that travel with the course.

    Raises:
        ValueError: There is no such network.
        WeightsUnavailable: The file is missing, broken, or belongs to another network.
    """
    if name not in TRAINED:
        raise ValueError(f"There are no trained weights of {name!r}; there are those of {', '.join(TRAINED)}.")
    model = TRAINED[name](dtype=dtype)
    load_weights(model, file or bundled.folder("data") / f"{name}.npz")
    return model


def load_weights(model: keras.Model, file: Path) -> None:
    """Set the weights of a model to those that :func:`save_weights` has written.

    Raises:
        WeightsUnavailable: The file is missing, broken, or belongs to another network; the model stays as it was.
    """
    remedy = "Take the file of this version of the course, or train it anew: data/README.md gives the command."
    try:
        arrays = read_arrays(file)
    except FileNotFoundError:
        raise WeightsUnavailable(f"The weights {file.name} are not in {file.parent}. {remedy}") from None
    except (OSError, ValueError) as error:
        raise WeightsUnavailable(f"The weights {file} cannot be read ({type(error).__name__}). {remedy}") from error
    wanted = {weights.path: tuple(weights.shape) for weights in model.weights}
    found = {path: array.shape for path, array in arrays.items()}
    if found != wanted:
        odd = sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
        raise WeightsUnavailable(
            f"The weights {file} are of another network than {model.name}: {odd[0]} and {len(odd) - 1} others differ. "
            f"{remedy}"
        )
    for weights in model.weights:
        weights.assign(arrays[weights.path].astype("float32"))


def save_weights(model: keras.Model, file: Path) -> None:
    """Write the weights of a model in half precision (float16): two bytes each, of relative error below a thousandth.

    The file is a plain NumPy archive with an array for each weight, under its path in the model.

    Raises:
        ValueError: A weight is too large for half precision, or not a number.
    """
    with np.errstate(over="ignore"):  # found below
        arrays = {weights.path: np.asarray(weights.value, "float32").astype("float16") for weights in model.weights}
    broken = [path for path, array in arrays.items() if not np.isfinite(array).all()]
    if broken:
        raise ValueError(f"{broken[0]} has values that half precision cannot hold.")
    write_arrays(file, **arrays)
