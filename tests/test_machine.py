"""What the machine says of itself."""

import json

import numpy as np
import pytest
import tensorflow as tf

from cnn_course import machine


def test_the_environment_names_versions_and_devices_and_is_plain():
    environment = machine.environment()
    assert json.loads(json.dumps(environment)) == environment
    assert environment["versions"]["tensorflow"] == tf.__version__
    assert environment["versions"]["numpy"] == np.__version__
    assert environment["backend"] == "tensorflow"
    assert environment["cores"] >= 1


def test_a_device_is_named_cpu_exactly_where_there_is_no_gpu():
    assert machine.has_gpu() is bool(tf.config.list_physical_devices("GPU"))
    assert (machine.device_name() == "CPU") is not machine.has_gpu()


def test_peak_memory_is_in_bytes_and_never_falls():
    before = machine.peak_memory_bytes()
    held = np.ones(40_000_000, np.uint8)
    after = machine.peak_memory_bytes()
    assert 10_000_000 < before <= after < machine.memory_bytes()
    del held
    assert machine.peak_memory_bytes() >= after - 2_000_000  # Linux counts memory in batches, one for each core


@pytest.mark.parametrize("status", [None, "Name:\tpython\nVmSize:\t  3060 kB\n"])
def test_peak_memory_is_known_where_the_system_does_not_list_it(monkeypatch, tmp_path, status):
    monkeypatch.setattr(machine, "PROCESS_STATUS", tmp_path / "status")
    if status:
        (tmp_path / "status").write_text(status)
    assert 10_000_000 < machine.peak_memory_bytes() < machine.memory_bytes()


def test_every_processor_feature_is_answered():
    features = machine.cpu_features()
    assert features.keys() == machine.CPU_FEATURES.keys()
    assert all(answer in (True, False, None) for answer in features.values())
