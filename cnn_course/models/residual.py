"""Residual networks, and the plain networks that they are compared with. Derived in lesson 04.

K. He and others 2015, "Deep residual learning for image recognition", arXiv 1512.03385.
"""

from typing import Any, Literal

import keras
from keras import layers


def residual_block(
    x: Any, channels: int, *, stride: int = 1, shortcut: bool = True, name: str | None = None
) -> keras.KerasTensor:
    """Return ``relu(F(x) + x)``, with F two 3x3 convolutions, each with batch normalisation.

    Args:
        x: Input of the block, (n, height, width, any number of channels).
        channels: Channels of both convolutions, and of the result.
        stride: Of the first convolution; 2 halves height and width.
        shortcut: ``False`` leaves out ``+ x``: the plain block of the same depth and width.
        name: Prefix of the layers' names.

    Where F changes the number of channels or the size of the maps, x cannot be added as it is: a 1x1 convolution with
    the same stride and batch normalisation *projects* it ("option B" of section 3.3). With stride 2 the convolution
    reads every second pixel of every second row; these are taken out before it.
    """

    def named(part: str) -> str | None:
        return name and f"{name}_{part}"

    def convolution(x: Any, size: int, stride: int, part: str) -> Any:
        x = layers.Conv2D(
            channels,
            size,
            strides=stride,
            padding="same",
            use_bias=False,  # batch normalisation would subtract it again
            kernel_initializer="he_normal",
            name=named(f"{part}_conv"),
        )(x)
        return layers.BatchNormalization(momentum=0.9, name=named(f"{part}_norm"))(x)

    branch = layers.ReLU(name=named("1_relu"))(convolution(x, 3, stride, "1"))
    branch = convolution(branch, 3, 1, "2")
    if shortcut:
        same_shape = stride == 1 and x.shape[-1] == channels
        if stride > 1:
            # The same as a 1x1 convolution with a stride, whose gradient writes outside its memory on processors when
            # it has fewer than 16 input channels (oneDNN 3.12, uxlfoundation/oneDNN issue 6035).
            x = layers.MaxPooling2D(1, strides=stride, name=named("projection_pixels"))(x)
        around = x if same_shape else convolution(x, 1, 1, "projection")
        branch = layers.Add(name=named("add"))([branch, around])
    return layers.ReLU(name=named("relu"))(branch)


def cifar_network(
    depth: int,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    *,
    width: int = 16,
    shortcut: bool = True,
) -> keras.Model:
    """Return the network of section 4.2 for small images: one convolution, three stages of blocks, one dense layer.

    Args:
        depth: Layers with weights along the longest path: 6 n + 2, for n blocks in each of the three stages.
        input_shape: Height, width and channels of an image.
        classes: Number of classes.
        width: Channels of the first stage; the second and third have two and four times as many, on maps of half and
            a quarter of the height and width.
        shortcut: ``False`` gives the plain network, equal but for the shortcuts.

    Raises:
        ValueError: ``depth`` is not 8, 14, 20 and so on.
    """
    blocks, rest = divmod(depth - 2, 6)
    if rest or blocks < 1:
        raise ValueError(f"depth is {depth}; a network of three equal stages has a depth of 6 n + 2: 8, 14, 20, 26 ...")
    inputs = keras.Input(input_shape)
    x = _stem(layers.Rescaling(1 / 127.5, offset=-1)(inputs), width, 3)
    for stage in range(3):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            name = f"stage{stage + 1}_block{block + 1}"
            x = residual_block(x, width * 2**stage, stride=stride, shortcut=shortcut, name=name)
    return _classifier(inputs, x, classes, f"{'resnet' if shortcut else 'plain'}{depth}")


def resnet8(input_shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10) -> keras.Model:
    """Return the ResNet-8 of the size of MLPerf Tiny's image classification benchmark (arXiv 2106.07597)."""
    return cifar_network(8, input_shape, classes)


def resnet20(input_shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10) -> keras.Model:
    """Return the ResNet-20 for CIFAR-10."""
    return cifar_network(20, input_shape, classes)


def resnet56(input_shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10) -> keras.Model:
    """Return the ResNet-56 for CIFAR-10."""
    return cifar_network(56, input_shape, classes)


def resnet18(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    *,
    stem: Literal["cifar", "imagenet"] = "cifar",
    width: int = 64,
) -> keras.Model:
    """Return the ResNet-18 of table 1: four stages of two blocks, of ``width`` to 8 times ``width`` channels.

    The ``"imagenet"`` stem, a 7x7 convolution of stride 2 and 3x3 max pooling of stride 2, is made for images of 224 by
    224 pixels: a 32x32 image has 8x8 left when the first block sees it, and 1x1 in the last stage. The ``"cifar"`` stem
    is one 3x3 convolution of stride 1.

    Raises:
        ValueError: ``stem`` is neither of the two.
    """
    if stem not in ("cifar", "imagenet"):
        raise ValueError(f"stem is {stem!r}; it must be 'cifar' or 'imagenet'.")
    inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    if stem == "imagenet":
        x = layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(_stem(x, width, 7, stride=2))
    else:
        x = _stem(x, width, 3)
    for stage in range(4):
        for block in range(2):
            stride = 2 if stage and not block else 1
            x = residual_block(x, width * 2**stage, stride=stride, name=f"stage{stage + 1}_block{block + 1}")
    return _classifier(inputs, x, classes, f"resnet18_{stem}_stem")


def _stem(x: Any, channels: int, size: int, *, stride: int = 1) -> Any:
    """Return the first convolution with batch normalisation and ReLU."""
    x = layers.Conv2D(
        channels,
        size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name="stem_conv",
    )(x)
    return layers.ReLU(name="stem_relu")(layers.BatchNormalization(momentum=0.9, name="stem_norm")(x))


def _classifier(inputs: Any, x: Any, classes: int, name: str) -> keras.Model:
    """Return the model that averages each map and turns the averages into logits."""
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name=name)
