"""The same numbers on Keras' JAX backend as on TensorFlow."""

import numpy as np
import pytest
from backends import on_jax_and_tensorflow

pytest.importorskip("jax", reason="the JAX backend is an extra of the tests")

PROGRAM = """
import json, sys
import keras, numpy as np
from cnn_course import datasets, lesson, models, training

lesson.seed_everything(0)
data = datasets.load("shapes10", size=300)
recipe = training.FastRecipe(widths=(8, 16), epochs=2, small_epochs=1, batch_size=25, dtype="float32")
networks = {
    "fast": training.fast_model(recipe, data),
    "residual": models.resnet8((32, 32, 3), 10),
    "plain": models.cifar_network(8, (32, 32, 3), 10, width=4, shortcut=False),
    "stem": models.resnet18(width=2, stem="imagenet"),
}
result = {}
for name, network in networks.items():
    draw = np.random.default_rng(0)
    for weights in network.trainable_weights:
        weights.assign(np.asarray(weights.value) * 0 + draw.normal(0, 0.1, weights.shape))
    result[name] = network.predict(data.images[:3], verbose=0).tolist()

class Losses(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        result.setdefault("losses", []).append(float(logs["loss"]))

training.fit_recipe(networks["fast"], recipe, data, callbacks=[Losses()])
result["views"] = training.predict_with_views(networks["fast"], data.images[:3], views=6).tolist()
print(keras.backend.backend(), json.dumps(result))
"""


def test_networks_and_the_recipe_give_the_same_numbers_on_both_backends(tmp_path):
    jax, tensorflow = on_jax_and_tensorflow(PROGRAM, tmp_path)
    assert jax.keys() == tensorflow.keys()
    for name in ("fast", "residual", "plain", "stem"):
        np.testing.assert_allclose(jax[name], tensorflow[name], rtol=1e-3, atol=1e-4, err_msg=name)
    # Rounding grows with each step; a wrong step, rate or batch shows at once.
    np.testing.assert_allclose(jax["losses"][:6], tensorflow["losses"][:6], rtol=1e-3)
    np.testing.assert_allclose(jax["losses"], tensorflow["losses"], rtol=5e-2)
    assert len(set(jax["losses"])) == 24
