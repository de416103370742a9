"""Read the weights in a PyTorch file of the old format without PyTorch, and without running what else is in it.

Such a file is a row of pickles, and a pickle is a program: loaded without care it may call any function of Python. The
reader here admits what a table of tensors needs and refuses everything else by name.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

# torch/serialization.py, "legacy" format: magic number, protocol, facts about the machine, the object, the keys of its
# storages; then for each storage its length, 8 bytes, and its values. All little-endian.
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGE_TYPES = {
    "HalfStorage": "<f2",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "ByteStorage": "|u1",
    "CharStorage": "|i1",
    "ShortStorage": "<i2",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
}


class TorchFileError(ValueError):
    """A file that is no PyTorch file of the old format, is cut off, or asks for more than tensors."""


def read_torch_file(file: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a state dictionary, by name, as arrays of the shapes and types in the file.

    Raises:
        TorchFileError: The file is broken, cut off, of another format, or holds anything but a dictionary of tensors.
        FileNotFoundError: There is no such file.
    """
    with file.open("rb") as stream:
        try:
            magic, protocol, _, tensors, keys = (_Unpickler(stream).load() for _ in range(5))
            if (magic, protocol) != (MAGIC_NUMBER, PROTOCOL):
                raise TorchFileError(f"{file} is no PyTorch file of the old format.")
            values = _read_storages(stream, _storages(tensors), keys)
            return {name: tensor.array(values) for name, tensor in tensors.items()}
        except TorchFileError:
            raise
        # What a broken pickle raises depends on the byte that is wrong.
        except Exception as error:
            raise TorchFileError(f"{file} cannot be read: {error or type(error).__name__}.") from error


@dataclass(frozen=True)
class _Storage:
    """The values that some tensors share; they come later in the file."""

    dtype: str
    key: str
    size: int


@dataclass(frozen=True)
class _Tensor:
    """Where a tensor lies in its storage: offset and strides count values, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """Return the tensor as an array of its own; never a value from outside its storage."""
        whole = values[self.storage.key]
        if 0 in self.shape:
            return np.zeros(self.shape, whole.dtype)
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))
        if min(self.offset, *self.shape, *self.strides, 0) < 0 or last >= len(whole):
            raise TorchFileError(f"A tensor of shape {self.shape} reaches beyond its storage of {len(whole)} values.")
        steps = [step * whole.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(whole[self.offset :], self.shape, steps).copy()


def _rebuild_tensor(
    storage: _Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    requires_grad: bool,
    backward_hooks: Any,
) -> _Tensor:
    """Stand in for ``torch._utils._rebuild_tensor_v2``."""
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    """An unpickler to which nothing but tables and tensors is known."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle may call, or refuse."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        raise TorchFileError(f"The file asks for {module}.{name}, which no table of tensors needs; it was not loaded.")

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the storage that a tensor names."""
        kind, dtype, key, _, size, view = pid
        if kind != "storage" or dtype not in STORAGE_TYPES.values() or view is not None:
            raise TorchFileError(f"The file refers to {pid!r}, which is no storage of a tensor.")
        return _Storage(dtype, str(key), int(size))


def _storages(tensors: Any) -> dict[str, _Storage]:
    """Return the storages of a table of tensors by their keys; refuse anything else."""
    if not isinstance(tensors, dict) or not all(isinstance(tensor, _Tensor) for tensor in tensors.values()):
        raise TorchFileError("The file holds something else than a dictionary of tensors.")
    return {tensor.storage.key: tensor.storage for tensor in tensors.values()}


def _read_storages(stream: BinaryIO, storages: dict[str, _Storage], keys: list[str]) -> dict[str, np.ndarray]:
    """Return the values of each storage, which follow one another in the order of ``keys``."""
    values = {}
    for key in keys:
        storage = storages[key]
        dtype = np.dtype(storage.dtype)
        length = int.from_bytes(stream.read(8), "little")
        content = stream.read(storage.size * dtype.itemsize)
        if length != storage.size or len(content) != storage.size * dtype.itemsize:
            raise TorchFileError(f"{stream.name} is cut off: the values of storage {key} are not all there.")
        values[key] = np.frombuffer(content, dtype)
    return values
