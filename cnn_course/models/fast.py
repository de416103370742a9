"""The network that learns fast: a whitening layer, three blocks, and nothing that costs time without need. Lesson 04.

K. Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", arXiv 2404.00498, whose network this is, but for
the activation: SiLU in the place of GELU, which a processor computes in half the time.
"""

from typing import Any

import keras
from keras import layers

from cnn_course.models.normalisation import FusedBatchNormalization

WHITENING_SIZE = 2


def fast_network(
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    classes: int = 10,
    *,
    widths: tuple[int, ...] = (64, 256, 256),
    dtype: str = "float32",
) -> keras.Model:
    """Return the fast network: whitening, a block for each of ``widths``, each map's largest value, one dense layer.

    A block is convolution, 2x2 max pooling, normalisation, SiLU, convolution, normalisation, SiLU; both convolutions
    are 3x3 and have the block's width. The logits are multiplied by 1/9, so that they are small at first.

    The first layer is meant to be filled by :func:`cnn_course.training.initialise_whitening`, and does not learn: 2x2
    patches are turned into uncorrelated values, each with its opposite. The source gives it a bias that learns for the
    first epochs. One that learns at that rate to the end drifts to hundreds, where 16-bit numbers have no digits left
    for the image; and without any, the backward pass ends one layer earlier.

    Args:
        input_shape: Height, width and channels of an image. ``None`` leaves height and width open: the same weights
            then take small and large images, as when the first epochs are trained on small ones.
        classes: Number of classes.
        widths: Channels of each block. Each block halves height and width; 32x32 images allow four.
        dtype: ``"mixed_bfloat16"`` computes the convolutions in bfloat16 (lesson 06); the weights, the normalisation
            and the logits stay float32.
    """
    policy = keras.DTypePolicy(dtype)
    inputs = keras.Input(input_shape)
    # Pixels of photographs lie around 128, with a standard deviation of about 64.
    x = layers.Rescaling(1 / 64, offset=-2, dtype=policy, name="scale")(inputs)
    filters = 2 * WHITENING_SIZE**2 * input_shape[-1]
    whitening = layers.Conv2D(filters, WHITENING_SIZE, use_bias=False, dtype=policy, name="whitening")
    x = layers.Activation("silu", dtype=policy, name="whitening_silu")(whitening(x))
    whitening.kernel.trainable = False
    for k, width in enumerate(widths, start=1):
        x = _convolution(x, width, f"block{k}_1", policy, pool=True)
        x = _convolution(x, width, f"block{k}_2", policy)
    x = layers.GlobalMaxPooling2D(dtype=policy, name="strongest")(x)
    x = layers.Dense(classes, use_bias=False, dtype="float32", name="head")(x)
    logits = layers.Rescaling(1 / 9, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="fast_network")


def student(
    input_shape: tuple[int | None, int | None, int] = (None, None, 3), classes: int = 10, *, dtype: str = "float32"
) -> keras.Model:
    """Return the fast network at a twentieth of its size, for places where weights are dear: under 80,000 of them."""
    return fast_network(input_shape, classes, widths=(16, 48, 48), dtype=dtype)


def _convolution(x: Any, width: int, name: str, policy: keras.DTypePolicy, *, pool: bool = False) -> Any:
    """Return a 3x3 convolution, perhaps pooled, normalised without a learned scale, and SiLU."""
    x = layers.Conv2D(width, 3, padding="same", use_bias=False, dtype=policy, name=f"{name}_conv")(x)
    if pool:
        # Before the normalisation and SiLU, which then have a quarter of the work.
        x = layers.MaxPooling2D(dtype=policy, name=f"{name}_pool")(x)
    # The running averages follow quickly (momentum 0.6), as the whole training has only some hundred steps.
    x = FusedBatchNormalization(momentum=0.6, scale=False, dtype=policy, name=f"{name}_norm")(x)
    return layers.Activation("silu", dtype=policy, name=f"{name}_silu")(x)
