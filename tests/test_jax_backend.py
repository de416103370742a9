"""The same numbers on Keras' JAX backend as on TensorFlow.

A process has one backend: the programs run on TensorFlow in this one and, all of them, on JAX in a single other one.
"""

import json
import os
import subprocess
import sys

import backend_programs
import numpy as np
import pytest

pytest.importorskip("jax", reason="the JAX backend is an extra of the tests")


@pytest.fixture(scope="module")
def on_jax():
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # to compile well takes longer than to train here
    command = [sys.executable, backend_programs.__file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["backend"] == "jax"
    return found


@pytest.fixture(scope="module")
def on_tensorflow():
    found = backend_programs.run_all()
    assert found["backend"] == "tensorflow"
    return found


@pytest.fixture
def both(on_jax, on_tensorflow):
    """Return a function that gives the results of one program on both backends."""
    return lambda name: (on_jax[name], on_tensorflow[name])


def test_networks_and_the_fast_recipe(both):
    jax, tensorflow = both("fast_recipe")
    for name in ("fast", "residual", "stem"):
        np.testing.assert_allclose(jax[name], tensorflow[name], rtol=1e-3, atol=1e-4, err_msg=name)
    # Rounding grows with each step; a wrong step, rate or batch shows at once.
    np.testing.assert_allclose(jax["losses"][:6], tensorflow["losses"][:6], rtol=1e-3)
    np.testing.assert_allclose(jax["losses"], tensorflow["losses"], rtol=5e-2)
    assert len(set(jax["losses"])) == 24
    assert jax["views"] == tensorflow["views"] == [3, 10]


def test_distillation(both):
    jax, tensorflow = both("distilled")
    np.testing.assert_allclose(jax["losses"], tensorflow["losses"], rtol=1e-2)
    assert len(set(jax["losses"])) == 8
    assert jax["same"]
    assert tensorflow["same"]
    assert jax["weights"] == tensorflow["weights"]


def test_contrastive_learning(both):
    jax, tensorflow = both("contrasted")
    np.testing.assert_allclose(jax["losses"], tensorflow["losses"], rtol=1e-3)
    assert jax["losses"][-1] < jax["losses"][0]


def test_attacks_and_adversarial_training(both):
    jax, tensorflow = both("attacked")
    np.testing.assert_allclose(jax["losses"], tensorflow["losses"], rtol=1e-3)
    assert jax["moved"] == pytest.approx(tensorflow["moved"], rel=1e-2)
    for found in (jax, tensorflow):
        assert found["gradient"] > 0 == found["gradient behind zeros"]
