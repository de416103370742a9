"""Batch normalisation as Keras has it, computed in one pass where TensorFlow can."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable("cnn_course")
class FusedBatchNormalization(layers.BatchNormalization):
    """``keras.layers.BatchNormalization`` of maps (n, height, width, channels), faster while training.

    On the TensorFlow backend Keras 3 converts the maps to float32 and computes their mean, their variance and the
    normalised maps one after another. TensorFlow has one operation for all three, which also takes bfloat16. Weights,
    running averages and inference are those of Keras, and so is everything on other backends.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the normalised maps; in training by the statistics of the batch, which are averaged on the way."""
        fused = training and self.trainable and keras.backend.backend() == "tensorflow" and len(inputs.shape) == 4
        if not fused or mask is not None or self.axis not in (-1, 3):
            return super().call(inputs, training=training, mask=mask)
        channels = [inputs.shape[-1]]
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            tf.convert_to_tensor(self.gamma) if self.scale else tf.ones(channels),
            tf.convert_to_tensor(self.beta) if self.center else tf.zeros(channels),
            epsilon=self.epsilon,
        )
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), tf.float32)
        variance *= (count - 1) / count  # the operation returns the unbiased estimate
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(self.momentum * average + (1 - self.momentum) * value)
        return outputs
