"""The loss of every classifier of the course."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("cnn_course")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of logits against integer labels, of which ``smoothing`` is spread evenly over all classes.

    Keras' ``SparseCategoricalCrossentropy`` knows no label smoothing. The target is ``1 - smoothing + smoothing / k``
    for the labelled one of k classes and ``smoothing / k`` for the others (Szegedy et al. 2015, arXiv 1512.00567,
    section 7).
    """

    def __init__(self, smoothing: float = 0.1, name: str = "smoothed_crossentropy", **keywords: Any) -> None:
        super().__init__(name=name, **keywords)
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing is {smoothing}; it is a share of the target, from 0 to below 1.")
        self.smoothing = smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each image, from labels (n,) or (n, 1) and logits (n, k)."""
        log_probabilities = keras.ops.log_softmax(y_pred)
        labels = keras.ops.cast(keras.ops.reshape(y_true, (-1, 1)), "int32")
        of_label = keras.ops.take_along_axis(log_probabilities, labels, axis=-1)[:, 0]
        return -((1 - self.smoothing) * of_label + self.smoothing * keras.ops.mean(log_probabilities, axis=-1))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as Keras needs them to save a compiled model."""
        return {**super().get_config(), "smoothing": self.smoothing}
