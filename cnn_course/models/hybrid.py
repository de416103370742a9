"""A network of convolutions and self-attention, and the plain one that costs as much. Derived in lesson 15.

A. Vaswani and others 2017, "Attention is all you need", arXiv 1706.03762 (section 3.2); convolutions below and
attention above as in Z. Dai and others 2021, "CoAtNet", arXiv 2106.04803.
"""

from typing import Any, Literal

import keras
from keras import layers


@keras.saving.register_keras_serializable("cnn_course")
class PositionEmbedding(layers.Layer):
    """Add a learned vector to each position of (n, positions, channels); attention itself knows no order."""

    def build(self, input_shape: tuple) -> None:
        """Make the vectors, small against normalised features."""
        self.positions = self.add_weight(
            shape=tuple(input_shape[1:]), initializer=keras.initializers.RandomNormal(stddev=0.02), name="positions"
        )

    def call(self, inputs: Any) -> Any:
        """Return the inputs with the vector of its position added to each."""
        return inputs + self.positions


def attention_block(x: Any, *, heads: int = 4, expansion: float = 1.5, name: str = "attention") -> keras.KerasTensor:
    """Return ``y + MLP(norm(y))`` with ``y = x + attention(norm(x))``, for x (n, positions, channels).

    The MLP works on each position by itself: a dense layer of ``expansion`` times the channels with GELU, and one back.
    For d channels at t positions, without biases, 8 d² + 4 t d operations a position are the attention's and
    4 ``expansion`` d² the MLP's. With ``expansion`` 1.5 and as many channels as positions this is 18 d²: a 3x3
    convolution.

    Args:
        x: (n, positions, channels).
        heads: Attentions side by side, each with its share of the channels.
        expansion: Width of the MLP's hidden layer, in channels of x.
        name: Prefix of the layers' names.

    Raises:
        ValueError: The heads do not divide the channels.
    """
    channels = x.shape[-1]
    if heads < 1 or channels % heads:
        raise ValueError(f"{channels} channels cannot be shared evenly by {heads} heads.")
    normal = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm1")(x)
    attended = layers.MultiHeadAttention(heads, channels // heads, name=name)(normal, normal)
    x = layers.Add(name=f"{name}_add1")([x, attended])
    hidden = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm2")(x)
    hidden = layers.Dense(round(expansion * channels), activation="gelu", name=f"{name}_mlp1")(hidden)
    return layers.Add(name=f"{name}_add2")([x, layers.Dense(channels, name=f"{name}_mlp2")(hidden)])


def hybrid_cnn(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    *,
    widths: tuple[int, ...] = (16, 32, 64),
    upper: Literal["attention", "convolution"] = "attention",
    blocks: int = 2,
    heads: int = 4,
    position: bool = True,
) -> keras.Model:
    """Return a CNN whose upper half is self-attention, or convolutions that cost as much.

    Below, for each width a 3x3 convolution with batch normalisation and ReLU, and 2x2 max pooling between them. Above,
    ``blocks`` times either an attention block or ``x + relu(norm(conv(x)))`` with a 3x3 convolution. With as many
    channels in the last width as the maps have places (64 channels on 8x8) the two need nearly the same operations
    (:func:`attention_block`, :func:`cnn_course.models.count_flops`).

    Args:
        input_shape: Height, width and channels of an image.
        classes: Number of classes.
        widths: Channels of the lower convolutions.
        upper: What the upper half is made of.
        blocks: How many of it.
        heads: Of each attention.
        position: Whether a learned vector for its place is added to each position before the attention.

    Raises:
        ValueError: ``upper`` is neither of the two.
    """
    if upper not in ("attention", "convolution"):
        raise ValueError(f"upper is {upper!r}; it must be 'attention' or 'convolution'.")
    inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for k, width in enumerate(widths):
        if k:
            x = layers.MaxPooling2D(name=f"lower{k}_pool")(x)
        x = _convolution(x, width, f"lower{k + 1}")
    if upper == "convolution":
        for k in range(blocks):
            x = layers.Add(name=f"upper{k + 1}_add")([x, _convolution(x, widths[-1], f"upper{k + 1}")])
        x = layers.GlobalAveragePooling2D(name="average")(x)
    else:
        x = layers.Reshape((-1, widths[-1]), name="places")(x)
        if position:
            x = PositionEmbedding(name="position")(x)
        for k in range(blocks):
            x = attention_block(x, heads=heads, name=f"upper{k + 1}")
        x = layers.LayerNormalization(epsilon=1e-6, name="upper_norm")(x)
        x = layers.GlobalAveragePooling1D(name="average")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name=f"upper_{upper}")


def _convolution(x: Any, width: int, name: str) -> Any:
    # Batch normalisation subtracts the mean, and with it any bias that the convolution would add.
    x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
