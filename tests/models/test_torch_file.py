"""PyTorch's old file format: tensors come out as they went in, and nothing else comes out at all."""

import io
import os
import pickle
from collections import OrderedDict
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cnn_course.models import TorchFileError, read_torch_file
from cnn_course.models.torch_file import MAGIC_NUMBER, PROTOCOL

NAMES = {
    "<f4": "FloatStorage",
    "<f2": "HalfStorage",
    "<f8": "DoubleStorage",
    "<i8": "LongStorage",
    "|u1": "ByteStorage",
}


class Global:
    """Something that a pickle names and its reader has to find: written as a global, as PyTorch writes its classes."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """A call that the reader of the pickle is asked to make."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Stored:
    """A reference to a storage."""

    def __init__(self, *pid):
        self.pid = pid


class Writer(pickle._Pickler):
    """Python's own pickler, taught to write names that need not exist here."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def persistent_id(self, thing):
        return thing.pid if isinstance(thing, Stored) else None

    def save_name(self, thing):
        self.write(f"c{thing.module}\n{thing.name}\n".encode())

    def save_call(self, thing):
        self.save(thing.function)
        self.save(thing.arguments)
        self.write(pickle.REDUCE)

    dispatch[Global] = save_name
    dispatch[Call] = save_call


def pickled(*things):
    stream = io.BytesIO()
    for thing in things:
        Writer(stream, protocol=2).dump(thing)
    return stream.getvalue()


def tensor(key, dtype, numel, offset, shape, strides):
    storage = Stored("storage", Global("torch", NAMES[dtype]), key, "cpu", numel, None)
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), storage, offset, shape, strides, False, OrderedDict())


def torch_file(table, storages, magic=MAGIC_NUMBER, protocol=PROTOCOL):
    content = pickled(magic, protocol, {"little_endian": True}, table, list(storages))
    for values in storages.values():
        content += len(values).to_bytes(8, "little") + values.tobytes()
    return content


@pytest.fixture(scope="session")
def read(tmp_path_factory):
    def read(content):
        file = tmp_path_factory.mktemp("torch") / "weights.pth"
        file.write_bytes(content)
        return read_torch_file(file)

    return read


@given(
    array=st.sampled_from(sorted(NAMES)).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    )
)
def test_a_tensor_comes_out_as_it_went_in(read, array):
    strides = tuple(step // array.itemsize for step in array.strides)
    table = {"w": tensor("0", array.dtype.str, array.size, 0, array.shape, strides)}
    found = read(torch_file(table, {"0": array.ravel()}))
    assert list(found) == ["w"]
    assert found["w"].dtype == array.dtype
    np.testing.assert_array_equal(found["w"], array)


def test_views_of_one_storage_keep_their_offsets_and_strides(read):
    values = np.arange(12, dtype="<f4")
    table = {
        "transposed": tensor("7", "<f4", 12, 0, (4, 3), (1, 4)),
        "second row": tensor("7", "<f4", 12, 4, (4,), (1,)),
    }
    found = read(torch_file(table, {"7": values}))
    np.testing.assert_array_equal(found["transposed"], values.reshape(3, 4).T)
    np.testing.assert_array_equal(found["second row"], values[4:8])


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (13,), (1,)), (12, (1,), (1,)), (0, (3, 5), (4, 1)), (-1, (2,), (1,)), (4, (2,), (-1,)), (0, (2, 2), (1,))],
)
def test_a_tensor_never_reaches_outside_its_storage(read, offset, shape, strides):
    table = {"w": tensor("0", "<f4", 12, offset, shape, strides)}
    with pytest.raises(TorchFileError):
        read(torch_file(table, {"0": np.arange(12, dtype="<f4")}))


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"), ("torch", "load")],
)
@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
def test_a_call_of_anything_else_is_refused_by_name_wherever_it_stands(read, tmp_path, module, name, place):
    victim = tmp_path / "touched"
    parts = [MAGIC_NUMBER, PROTOCOL, {}, {}, []]
    parts[place] = Call(Global(module, name), f"touch {victim}")
    with pytest.raises(TorchFileError, match=rf"{module}\.{name}.*not loaded"):
        read(pickled(*parts))
    assert not victim.exists()


def test_the_malicious_file_would_have_run_in_an_ordinary_unpickler(tmp_path):
    victim = tmp_path / "touched"
    pickle.loads(pickled(Call(Global("os", "system"), f"touch {victim}")))
    assert victim.exists()


def test_every_cut_of_a_file_is_refused(read):
    whole = torch_file({"w": tensor("0", "<f4", 6, 0, (2, 3), (3, 1))}, {"0": np.arange(6, dtype="<f4")})
    assert read(whole)["w"].shape == (2, 3)
    for length in range(len(whole)):
        with pytest.raises(TorchFileError):
            read(whole[:length])


@pytest.mark.parametrize("table", [[1, 2], {"w": 1.5}, {"w": OrderedDict()}, None])
def test_anything_but_a_table_of_tensors_is_refused(read, table):
    with pytest.raises(TorchFileError, match="dictionary of tensors"):
        read(torch_file(table, {}))


def test_another_format_is_refused(read):
    with pytest.raises(TorchFileError, match="old format"):
        read(torch_file({}, {}, magic=1))
    with pytest.raises(TorchFileError, match="cannot be read"):
        read(b"PK\x03\x04" + os.urandom(100))


def test_a_storage_of_python_objects_is_refused(read):
    storage = Stored("storage", Global("collections", "OrderedDict"), "0", "cpu", 1, None)
    table = {"w": Call(Global("torch._utils", "_rebuild_tensor_v2"), storage, 0, (1,), (1,), False, None)}
    with pytest.raises(TorchFileError, match="no storage"):
        read(torch_file(table, {"0": np.zeros(1)}))
