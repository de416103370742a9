"""A file that is written is whole or not there."""

import numpy as np
import pytest

from cnn_course.files import replacing, write_arrays


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
    assert list(tmp_path.iterdir()) == [path]
