"""Models that are there at once: one in plain NumPy for the service, and a tiny network for the export."""

import threading
import time

import keras
import numpy as np
import pytest

from cnn_course import serving
from cnn_course.serving.contract import Signature, TensorInfo

SCALAR = {"x": TensorInfo("float32", (None,))}


class HalfPlusThree:
    """The example of TensorFlow Serving's documentation, y = x / 2 + 3, with a gate that holds its computing up."""

    def __init__(self, folder):
        if (folder / "broken").exists():
            raise serving.ServingError(f"Version {folder.name} is broken.")
        self.number = int(folder.name)
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        self.batches = []
        both = {"y": TensorInfo("float32", (None,)), "x_bytes": TensorInfo("string", (None,))}
        self.signatures = {
            "serving_default": Signature(SCALAR, {"y": TensorInfo("float32", (None,))}),
            "two": Signature({**SCALAR, "name": TensorInfo("string", (None,))}, both),
            "sum": Signature(SCALAR, {"y": TensorInfo("float32", ())}),
        }

    def warm_up(self):
        pass

    def execute(self, signature, tensors):
        self.began.set()
        assert self.gate.wait(30)
        x = tensors["x"]
        self.batches.append(len(x))
        if (x == -1).any():
            raise serving.RequestError(400, "The model refuses -1.")
        if (x == -2).any():
            raise RuntimeError("a secret of the server")
        if signature == "sum":
            return {"y": x.sum()}
        outputs = {"y": (x / 2 + 3).astype("float32")}
        return outputs if signature == "serving_default" else {**outputs, "x_bytes": tensors["name"]}


@pytest.fixture
def half(tmp_path):
    """Return the versions of a model ``half``, with version 1."""
    (tmp_path / "half" / "1").mkdir(parents=True)
    return serving.Versions(tmp_path / "half", load=HalfPlusThree)


@pytest.fixture
def eventually():
    """Return a function that waits until a condition holds, at most a minute."""

    def wait(condition):
        until = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 6, 3))
    x = keras.layers.Rescaling(1 / 64, offset=-2)(inputs)
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)), name="tiny")


@pytest.fixture(scope="session")
def exported(network, tmp_path_factory):
    """Return the folder of version 1 of the tiny network."""
    return serving.export(network, tmp_path_factory.mktemp("models") / "tiny", class_names=["cat", "dog", "é"])


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 6, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def expected(network, images):
    """Return the probabilities that the network gives for the images."""
    return np.asarray(keras.ops.softmax(network(images.astype("float32"))))
