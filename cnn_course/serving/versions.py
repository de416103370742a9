"""The versions of a model in a folder: the newest is loaded and served, and changed without losing a request.

As TensorFlow Serving does it: the sub-folders that are named by whole numbers are versions, and the largest number is
served. A new one is loaded while the old one answers; the old one is let go when its last request is answered. A
version that cannot be loaded is reported, and the old one stays. Derived in lesson 13.
"""

import contextlib
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from cnn_course.serving.contract import Signature, TensorInfo
from cnn_course.serving.errors import RequestError, ServingError


@dataclass(frozen=True)
class VersionState:
    """What the status of a model tells of one version, in TensorFlow Serving's words."""

    number: int
    state: str  # "LOADING", "AVAILABLE", "UNLOADING" or "END"
    error_code: str = "OK"
    error_message: str = ""


def version_folders(folder: Path) -> dict[int, Path]:
    """Return the versions in a model's folder by their numbers, from the smallest; other names are ignored."""
    try:
        children = [child for child in folder.iterdir() if child.name.isascii() and child.name.isdigit()]
    except OSError:
        return {}
    return {int(child.name): child for child in sorted(children, key=lambda child: int(child.name)) if child.is_dir()}


class Version:
    """A SavedModel in memory.

    It is a program: load only what you trust.

    Args:
        folder: A SavedModel's folder, named by its number.

    Raises:
        ServingError: There is no SavedModel, or it is broken.
    """

    def __init__(self, folder: Path) -> None:
        self.number = int(folder.name)
        self._folder = folder
        try:
            self.signatures = _signatures(folder)
            self._model = tf.saved_model.load(str(folder))  # it owns the variables
            self._functions = {name: self._model.signatures[name] for name in self.signatures}
        except Exception as error:  # the loader has many ways to say that a file is missing or broken
            raise ServingError(f"Version {folder.name} cannot be loaded: {_first_line(error, folder)}") from error

    def execute(self, signature: str, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of a signature for its inputs.

        Raises:
            RequestError: 400: the model itself refuses the input, as an image file that cannot be decoded.
        """
        infos = self.signatures[signature].inputs
        inputs = {
            name: tf.constant(values, tf.string if infos[name].dtype == "string" else values.dtype)
            for name, values in tensors.items()
        }
        try:
            outputs = self._functions[signature](**inputs)
        except tf.errors.InvalidArgumentError as error:
            raise RequestError(400, f"The model refuses the input: {_reason(error.message)}") from None
        return {name: outputs[name].numpy() for name in self.signatures[signature].outputs}

    def warm_up(self) -> None:
        """Compute a row of zeros by each signature of numbers, so that no client waits for the first call's set-up.

        Raises:
            ServingError: The model cannot compute on this machine.
        """
        for name, signature in self.signatures.items():
            shapes = {key: info.shape for key, info in signature.inputs.items()}
            if any(shape is None or None in shape[1:] for shape in shapes.values()) or any(
                info.dtype == "string" for info in signature.inputs.values()
            ):
                continue
            zeros = {key: np.zeros((1, *shape[1:]), signature.inputs[key].dtype) for key, shape in shapes.items()}
            try:
                self.execute(name, zeros)
            except RequestError:  # it does not take zeros
                continue
            except Exception as error:  # as an operation that this processor does not have
                reason = _first_line(error, self._folder)
                raise ServingError(f"Version {self.number} cannot compute {name}: {reason}") from error


class Versions:
    """The versions in a model's folder, one of them served. Its methods may be called from any thread.

    Args:
        folder: The model's folder, which holds a folder for each version.
        name: The model's name; by default that of the folder.
        load: Returns a version from its folder.
    """

    def __init__(self, folder: Path, name: str | None = None, *, load: Callable[[Path], Version] = Version) -> None:
        self.folder = folder
        self.name = name or folder.name
        self._load = load
        self._lock = threading.Lock()
        self._served: Version | None = None
        self._retiring: list[Version] = []
        self._requests: Counter[int] = Counter()  # not yet answered, by version
        self._states: dict[int, VersionState] = {}
        self._broken: dict[int, int] = {}  # when the folder of a version that cannot be loaded was last changed

    def refresh(self) -> bool:
        """Look into the folder, serve its newest version that can be loaded, and return whether that is another one.

        A version that could not be loaded is tried again when its files have changed.
        """
        folders = version_folders(self.folder)
        for number in sorted(folders, reverse=True):
            if number == self.served:
                return False
            changed = _changed(folders[number])
            if self._broken.get(number) == changed:
                continue
            self._note(VersionState(number, "LOADING"))
            try:
                version = self._load(folders[number])
                version.warm_up()
            except ServingError as error:
                self._broken[number] = changed
                self._note(VersionState(number, "END", "INTERNAL", str(error)))
                continue
            self._serve(version)
            return True
        return False

    def states(self, number: int | None = None) -> list[VersionState]:
        """Return the state of every version that was seen, from the newest, or of one.

        Raises:
            RequestError: 404: there is no such version, or none at all.
        """
        with self._lock:
            states = [self._states[key] for key in sorted(self._states, reverse=True) if number in (None, key)]
        if not states:
            which = "any versions" if number is None else f"version {number}"
            raise RequestError(404, f"Could not find {which} of model {self.name}")
        return states

    @contextlib.contextmanager
    def lease(self, number: int | None = None) -> Iterator[Version]:
        """Give the served version, which stays loaded until the block ends.

        Raises:
            RequestError: 404: none is served, or it has another number.
        """
        with self._lock:
            version = self._served
            if version is None or number not in (None, version.number):
                asked = f"Latest({self.name})" if number is None else f"Specific({self.name}, {number})"
                raise RequestError(404, f"Servable not found for request: {asked}")
            self._requests[version.number] += 1
        try:
            yield version
        finally:
            with self._lock:
                self._requests[version.number] -= 1
                self._let_go()

    @property
    def served(self) -> int | None:
        """The number of the version that is served."""
        version = self._served
        return None if version is None else version.number

    def _serve(self, version: Version) -> None:
        with self._lock:
            if self._served is not None:
                self._retiring.append(self._served)
                self._states[self._served.number] = VersionState(self._served.number, "UNLOADING")
            self._served = version
            self._states[version.number] = VersionState(version.number, "AVAILABLE")
            self._let_go()

    def _let_go(self) -> None:
        """Forget the former versions that no request needs any more."""
        for version in [old for old in self._retiring if not self._requests[old.number]]:
            self._retiring.remove(version)
            if self._states[version.number].state == "UNLOADING":  # the same number may have come back meanwhile
                self._states[version.number] = VersionState(version.number, "END")

    def _note(self, state: VersionState) -> None:
        with self._lock:
            self._states[state.number] = state


def _signatures(folder: Path) -> dict[str, Signature]:
    """Read the signatures that can be called from a SavedModel's own description."""
    content = saved_model_pb2.SavedModel()
    content.ParseFromString((folder / "saved_model.pb").read_bytes())
    graph = next(graph for graph in content.meta_graphs if "serve" in graph.meta_info_def.tags)
    return {
        name: Signature(_infos(described.inputs), _infos(described.outputs), described.method_name)
        for name, described in sorted(graph.signature_def.items())
        if name != "__saved_model_init_op"
    }


def _infos(tensors: Any) -> dict[str, TensorInfo]:
    infos = {}
    for name, tensor in sorted(tensors.items()):
        sides = tuple(None if side.size < 0 else side.size for side in tensor.tensor_shape.dim)
        shape = None if tensor.tensor_shape.unknown_rank else sides
        infos[name] = TensorInfo(tf.as_dtype(tensor.dtype).name, shape, tensor.name)
    return infos


def _reason(message: str) -> str:
    """Return the line of TensorFlow's message that says what is wrong; the others tell of the graph."""
    found = re.search(r"^(.+)\n\t \[\[\{\{node", message, re.MULTILINE)
    return found[1][:300] if found else "it does not fit."


def _first_line(error: Exception, folder: Path) -> str:
    """Return the beginning of an error's message, without the place of the model on this machine."""
    text = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text.replace(str(folder), folder.name)[:300]


def _changed(folder: Path) -> int:
    """Return when a file of a SavedModel was last changed, in nanoseconds; 0 where that cannot be read."""
    try:
        return max(path.stat().st_mtime_ns for path in (folder, *folder.glob("*"), *folder.glob("variables/*")))
    except OSError:
        return 0
