"""The sanity check of a map: does it change when the network forgets what it has learned? From lesson 09."""

from collections.abc import Iterator

import keras
import numpy as np


def randomised(model: keras.Model, *, seed: int = 0) -> Iterator[str]:
    """Shuffle the weights of one layer after another, from the last to the first; yield the name of each.

    The cascading randomisation of J. Adebayo and others 2018, arXiv 1810.03292, section 3.1, who draw new weights. Here
    each array keeps its numbers and gives them other places, so that the values in the network keep their size. After
    the loop, however it ends, the model has the weights that it had before.

    Args:
        model: A flat model, such as ``Explainer.model``.
        seed: Of the shuffling.
    """
    random = np.random.default_rng(seed)
    kept = model.get_weights()
    try:
        for layer in reversed(model.layers):
            if layer.weights:
                layer.set_weights(
                    [random.permuted(array.reshape(-1)).reshape(array.shape) for array in layer.get_weights()]
                )
                yield layer.name
    finally:
        model.set_weights(kept)
