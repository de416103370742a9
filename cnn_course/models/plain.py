"""Networks whose layers follow one another: the multilayer perceptron and the plain CNNs of lessons 02 and 03."""

import keras
from keras import layers


def cifar_cnn(
    input_shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10, *, width: int = 48, blocks: int = 3
) -> keras.Model:
    """Return a plain CNN of ``blocks`` blocks of two 3x3 convolutions, of ``width``, 2, 4 ... times ``width`` channels.

    Each block halves height and width, in its first convolution's max pooling: ReLU and max pooling can change places,
    and behind the pooling batch normalisation and ReLU have a quarter of the work. The last block's maps are averaged
    (Lin et al. 2013, arXiv 1312.4400), so that the number of weights does not depend on the image's size. The pairs
    of 3x3 convolutions are those of VGG (Simonyan and Zisserman 2014, arXiv 1409.1556). Lesson 03.
    """
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)], name="cifar_cnn")
    for k in range(blocks):
        for half in (1, 2):
            # Batch normalisation subtracts the mean, and with it any bias that the convolution would add.
            model.add(layers.Conv2D(width * 2**k, 3, padding="same", use_bias=False, name=f"block{k + 1}_conv{half}"))
            if half == 1:
                model.add(layers.MaxPooling2D(name=f"block{k + 1}_pool"))
            model.add(layers.BatchNormalization(momentum=0.9, name=f"block{k + 1}_norm{half}"))
            model.add(layers.ReLU(name=f"block{k + 1}_relu{half}"))
    model.add(layers.GlobalAveragePooling2D(name="average"))
    model.add(layers.Dense(classes, name="logits"))
    return model


def small_cnn(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    *,
    widths: tuple[int, ...] = (32, 64, 64),
    units: int = 256,
    l2: float = 0.0,
    dropout: float = 0.0,
    batch_norm: bool = False,
) -> keras.Model:
    """Return the textbook CNN: 3x3 convolutions, each pooled, then one hidden dense layer. Lesson 03.

    Args:
        input_shape: Height, width and channels of an image.
        classes: Number of classes.
        widths: Channels of each convolution.
        units: Units of the dense layer.
        l2: Factor of the squared kernels that is added to the loss.
        dropout: Probability with which an output of the dense layer is dropped while training; 0 leaves it out.
        batch_norm: Whether batch normalisation follows each convolution.
    """
    penalty = keras.regularizers.L2(l2) if l2 else None
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)], name="small_cnn")
    for width in widths:
        model.add(layers.Conv2D(width, 3, padding="same", use_bias=not batch_norm, kernel_regularizer=penalty))
        if batch_norm:
            model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(units, activation="relu", kernel_regularizer=penalty))
    if dropout:
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(classes, kernel_regularizer=penalty))
    return model


def mlp(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    classes: int = 10,
    *,
    units: tuple[int, ...] = (512, 256),
    activation: str = "relu",
) -> keras.Model:
    """Return a multilayer perceptron: the pixels in one row, then dense layers of ``units`` each. Lesson 02."""
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255), layers.Flatten()], name="mlp")
    for width in units:
        model.add(layers.Dense(width, activation=activation))
    model.add(layers.Dense(classes, name="logits"))
    return model


def averaging_cnn(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    classes: int = 10,
    *,
    stages: tuple[tuple[int, ...], ...] = ((8, 16), (16, 16), (24,)),
    padding: str = "same",
) -> keras.Model:
    """Return a CNN without hidden dense layers: 3x3 convolutions with batch normalisation, then the maps' averages.

    Global average pooling (Lin et al. 2013, arXiv 1312.4400) keeps what was found and drops where, so that the network
    needs few weights and hardly notices a shift. Lesson 02.

    Args:
        input_shape: Height, width and channels of an image.
        classes: Number of classes.
        stages: The channels of the convolutions of each stage. Between two stages 2x2 max pooling halves height and
            width; it comes before batch normalisation and ReLU, which then have a quarter of the work.
        padding: Of the convolutions: ``"same"``, or ``"valid"``, which makes each map smaller and is faster.
    """
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)], name="averaging_cnn")
    for k, widths in enumerate(stages):
        for position, width in enumerate(widths, start=1):
            # Batch normalisation subtracts the mean, and with it any bias that the convolution would add.
            model.add(layers.Conv2D(width, 3, padding=padding, use_bias=False))
            if position == len(widths) and k + 1 < len(stages):
                model.add(layers.MaxPooling2D())
            model.add(layers.BatchNormalization(momentum=0.9))
            model.add(layers.ReLU())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(classes, name="logits"))
    return model
