"""The fast recipe and the networks on Keras' JAX backend, in a process of its own: a backend is chosen once."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("jax", reason="the JAX backend is an extra of the tests")

PROGRAM = """
import json
import keras, numpy as np
from cnn_course import datasets, lesson, models, training

assert keras.backend.backend() == "jax"
lesson.seed_everything(0)
splits = datasets.load("shapes10", size=1400).split(1000, 0, 400)
recipe = training.FastRecipe(widths=(12, 24, 24), epochs=4, small_epochs=1, batch_size=25, dtype="float32")
model, history = training.train_fast(recipe, splits.train)
answers = training.predict_with_views(model, splits.test.images, views=2).argmax(axis=1)
images = splits.test.images[:3]
networks = [models.resnet8(), models.resnet18(width=2, stem="imagenet"), models.student(dtype="mixed_bfloat16")]
shapes = [list(network.predict(images, verbose=0).shape) for network in networks]
print("RESULT", json.dumps({"accuracy": float((answers == splits.test.labels).mean()), "shapes": shapes,
                            "loss": history["loss"]}))
"""


def test_the_recipe_learns_and_the_networks_answer_on_jax(tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert lines, done.stderr[-2000:]
    result = json.loads(lines[0].removeprefix("RESULT"))
    assert result["accuracy"] > 0.7
    assert result["loss"][-1] < result["loss"][0] / 1.5
    assert result["shapes"] == [[3, 10]] * 3
