"""A file that is written is whole or not there."""

import zipfile

import numpy as np
import pytest

from cnn_course.files import read_arrays, read_json, replacing, write_arrays


def test_the_new_file_takes_the_place_of_the_old_one_only_at_the_end(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("old")
    with replacing(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_besides(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("old")

    def interrupted():
        with replacing(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_arrays_are_in_the_very_file_under_their_names_whatever_its_ending(tmp_path):
    path = tmp_path / "weights.part"
    write_arrays(path, np.arange(3), scale=np.array(0.5))
    with np.load(path) as stored:
        assert {name: stored[name].tolist() for name in stored.files} == {"arr_0": [0, 1, 2], "scale": 0.5}
    assert {name: array.tolist() for name, array in read_arrays(path).items()} == {"arr_0": [0, 1, 2], "scale": 0.5}
    assert list(tmp_path.iterdir()) == [path]


def one_array(path):
    with path.open("wb") as stream:
        np.save(stream, np.arange(3))


def no_arrays(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train", "not an array")


def damaged(path):
    with path.open("wb") as stream:
        np.savez_compressed(stream, x=np.random.default_rng(0).random(1000))
    content = bytearray(path.read_bytes())
    content[100:2000] = bytes(1900)
    path.write_bytes(content)


def objects(path):
    with path.open("wb") as stream:
        np.savez(stream, x=np.array([{"any": "object"}], dtype=object))


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (one_array, "one array"),
        (no_arrays, "x_train in it is no array"),
        (damaged, "."),
        (objects, "allow_pickle=False"),
        (lambda path: path.write_bytes(b""), "."),
        (lambda path: path.write_text("404: not found"), "."),
    ],
)
def test_what_is_no_archive_of_arrays_is_refused_with_the_reason(tmp_path, write, reason):
    write(tmp_path / "arrays.npz")
    with pytest.raises(ValueError, match=reason):
        read_arrays(tmp_path / "arrays.npz")


@pytest.mark.parametrize(
    ("content", "found"), [(b'{"a": 1}', {"a": 1}), (b"[1]", None), (b"{", None), (b"\xff", None), (None, None)]
)
def test_a_json_object_is_read_and_anything_else_is_none(tmp_path, content, found):
    if content is not None:
        (tmp_path / "report.json").write_bytes(content)
    assert read_json(tmp_path / "report.json") == found
