"""The loss of SimCLR, and the model that is trained with it. Derived in lesson 10.

T. Chen and others 2020, "A simple framework for contrastive learning of visual representations", arXiv 2002.05709.
"""

from pathlib import Path
from typing import Any

import keras
from keras import layers, ops

from cnn_course import bundled, models


def nt_xent_loss(first: Any, second: Any, *, temperature: float = 0.5) -> Any:
    """Return the normalised temperature-scaled cross-entropy (equation 1 of the source), one value for each view.

    Each of the 2 n views is asked which of the other 2 n - 1 is the other view of its image. The logits are the cosines
    between the outputs, divided by the temperature. They are computed in float32, whatever the outputs are: bfloat16
    has too few digits for the differences between cosines near 1.

    Args:
        first: Outputs for one view of each image, (n, d).
        second: Outputs for the other one, (n, d), in the same order.
        temperature: Above 0. The smaller, the more the nearest of the wrong views count.

    Returns:
        (2 n,), float32: the values of ``first``, then those of ``second``.
    """
    first, second = _directions(first), _directions(second)
    views = ops.concatenate([first, second], axis=0)
    logits = ops.matmul(views, ops.transpose(views)) / temperature
    logits = logits - 1e9 * ops.eye(ops.shape(views)[0])  # a view is not asked about itself
    partner = ops.sum(first * second, axis=-1) / temperature
    return ops.logsumexp(logits, axis=-1) - ops.concatenate([partner, partner], axis=0)


def _directions(outputs: Any) -> Any:
    """Return the rows at length 1, float32."""
    outputs = ops.cast(outputs, "float32")
    return outputs / ops.sqrt(ops.sum(ops.square(outputs), axis=-1, keepdims=True) + 1e-12)


class SimCLR(keras.Model):
    """An encoder that ``fit`` trains on pairs of views, without labels.

    A batch is what :func:`cnn_course.contrastive.two_views` returns, (n, 2, height, width, channels). As only
    ``compute_loss`` is replaced, the same class trains on every backend of Keras, in any precision, with any callback.
    What is wanted afterwards is ``encoder``, an ordinary model; the projection is dropped (section 4.2 of the source).

    Args:
        encoder: Returns features (n, c) of images.
        projection: Takes the features and returns what the loss compares, (n, d).
        temperature: That of :func:`nt_xent_loss`.
    """

    def __init__(self, encoder: keras.Model, projection: keras.Model, *, temperature: float = 0.5) -> None:
        super().__init__(name="simclr")
        if temperature <= 0:
            raise ValueError(f"temperature is {temperature}; it must be above 0.")
        if encoder.output_shape[-1] != projection.input_shape[-1]:
            raise ValueError(
                f"The encoder gives {encoder.output_shape[-1]} features and the projection takes "
                f"{projection.input_shape[-1]}; they must be the same."
            )
        self.encoder = encoder
        self.projection = projection
        self.temperature = temperature
        self.built = True  # as both parts are: weights can be loaded before the first call

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the projected outputs of a batch of pairs, (n, 2, d)."""
        views = ops.reshape(inputs, (-1, *inputs.shape[2:]))  # both in one batch for its normalisation
        outputs = self.projection(self.encoder(views, training=training), training=training)
        return ops.reshape(outputs, (-1, 2, outputs.shape[-1]))

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the mean of :func:`nt_xent_loss` over a batch, and what regularisers of the layers add."""
        loss = ops.mean(nt_xent_loss(y_pred[:, 0], y_pred[:, 1], temperature=self.temperature))
        return sum(self.losses, start=loss)


def encoder(network: keras.Model) -> keras.Model:
    """Return a :func:`cnn_course.models.fast_network` without its last layer: features (n, c), float32.

    It shares its layers with ``network``: what trains the one trains the other.
    """
    features = network.get_layer("head").input
    features = layers.Activation("linear", dtype="float32", name="features")(features)
    return keras.Model(network.input, features, name="encoder")


def trained_encoder(*, dtype: str = "float32", file: Path | None = None) -> keras.Model:
    """Return the encoder that SimCLR has trained on CIFAR-10 without labels, which travels with the course.

    Args:
        dtype: As in :func:`cnn_course.models.fast_network`.
        file: Weights to read instead, as benchmarks/cifar10_simclr.py writes them.

    Returns:
        Takes images (n, 32, 32, 3), pixels from 0 to 255, and returns features (n, 256), float32.

    Raises:
        WeightsUnavailable: The file is missing, broken, or belongs to another network.
    """
    model = encoder(models.fast_network(widths=(32, 128, 256), dtype=dtype))
    models.load_weights(model, file or bundled.folder("data") / "simclr.npz")
    return model


def projection(features: int, *, width: int = 256, outputs: int = 128) -> keras.Model:
    """Return the source's projection head: dense, batch normalisation, ReLU, dense.

    The dense layers are written as 1x1 convolutions of one pixel. They compute the same, and
    :class:`cnn_course.training.Muon` trains them like all other kernels: the first is followed by a normalisation, the
    second by that of the loss, so that the length of neither matters.
    """
    inputs = keras.Input((features,))
    x = layers.Reshape((1, 1, features))(inputs)
    x = layers.Conv2D(width, 1, use_bias=False, name="hidden")(x)
    x = layers.BatchNormalization(momentum=0.6, name="norm")(x)
    x = layers.Conv2D(outputs, 1, use_bias=False, name="last")(layers.ReLU()(x))
    return keras.Model(inputs, layers.Flatten(name="outputs")(x), name="projection")
