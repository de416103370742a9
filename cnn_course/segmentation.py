"""Segmentation: which pixels of an image belong to the object. Derived in lesson 15.

O. Ronneberger, P. Fischer and T. Brox 2015, "U-Net: convolutional networks for biomedical image segmentation",
arXiv 1505.04597; the Dice loss is that of F. Milletari, N. Navab and S.-A. Ahmadi 2016, "V-Net", arXiv 1606.04797,
section 3, with a sum in the denominator for its sum of squares.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from cnn_course import datasets


def iou(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the intersection over the union of two masks, a value from 0 to 1 for each image, float64 (n,).

    Both masks are bool (n, height, width). Where both are empty there was nothing to find and nothing was claimed: 1.
    """
    common, union = _counted(predicted, truth, np.logical_and), _counted(predicted, truth, np.logical_or)
    return np.where(union > 0, common / np.maximum(union, 1), 1.0)


def dice(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the Dice coefficient of two masks, twice their intersection over the sum of their areas, float64 (n,).

    Both masks are bool (n, height, width). With IoU = I it is 2 I / (1 + I): the two order any two results alike. Where
    both masks are empty it is 1.
    """
    common = _counted(predicted, truth, np.logical_and)
    areas = _counted(predicted, truth, np.logical_or) + common
    return np.where(areas > 0, 2 * common / np.maximum(areas, 1), 1.0)


def _counted(predicted: np.ndarray, truth: np.ndarray, both: Any) -> np.ndarray:
    """Return for each image the number of pixels for which ``both`` holds of the two masks."""
    for name, mask in (("predicted", predicted), ("truth", truth)):
        if mask.dtype != bool or mask.ndim != 3:
            raise ValueError(
                f"{name} is {mask.dtype} {mask.shape}, and must be bool (n, height, width). Compare probabilities "
                "with a threshold, logits with 0, and take the last axis away, before two masks are compared."
            )
    if predicted.shape != truth.shape:
        raise ValueError(f"The masks have the shapes {predicted.shape} and {truth.shape}; they must be equal.")
    return both(predicted, truth).sum(axis=(1, 2))


def soft_dice(truth: Any, logits: Any, *, smooth: float = 1.0) -> Any:
    """Return the Dice coefficient with probabilities in the place of the predicted mask, float32 (n,).

    ``(2 sum(p y) + smooth) / (sum(p) + sum(y) + smooth)`` over all pixels of an image: it has a gradient, which the
    counted one has not.

    Args:
        truth: (n, height, width, 1), of 0 and 1.
        logits: (n, height, width, 1); p is their sigmoid.
        smooth: Keeps the quotient from 0 / 0 where both are empty; as large as a pixel.
    """
    truth, p = ops.cast(truth, "float32"), ops.sigmoid(ops.cast(logits, "float32"))
    axes = (1, 2, 3)
    areas = ops.sum(truth, axis=axes) + ops.sum(p, axis=axes)
    return (2 * ops.sum(truth * p, axis=axes) + smooth) / (areas + smooth)


@keras.saving.register_keras_serializable("cnn_course")
class MaskLoss(keras.losses.Loss):
    """Cross-entropy of each pixel, averaged, and ``dice_weight`` times one minus :func:`soft_dice`, for logits.

    The cross-entropy teaches each pixel by itself; the second part counts an image by its object, however small.
    """

    def __init__(self, dice_weight: float = 1.0, name: str = "mask_loss", **keywords: Any) -> None:
        super().__init__(name=name, **keywords)
        if dice_weight < 0:
            raise ValueError(f"dice_weight is {dice_weight}; it must be at least 0.")
        self.dice_weight = dice_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each image, from masks of 0 and 1 and logits, both (n, height, width, 1)."""
        truth, logits = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        by_pixel = ops.mean(ops.binary_crossentropy(truth, logits, from_logits=True), axis=(1, 2, 3))
        return by_pixel + self.dice_weight * (1 - soft_dice(truth, logits))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as Keras needs them to save a compiled model."""
        return {**super().get_config(), "dice_weight": self.dice_weight}


def unet(
    input_shape: tuple[int, int, int] = (32, 32, 3), *, widths: Sequence[int] = (8, 16, 32), skip: bool = True
) -> keras.Model:
    """Return a U-Net (section 2 of the source): a logit for each pixel, (n, height, width, 1).

    Down: two 3x3 convolutions, then 2x2 max pooling, for each width but the last. Up: a transposed convolution that
    doubles height and width, the maps of the same size from the way down beside it, two 3x3 convolutions. Unlike the
    original, the convolutions are padded, so that the result has the size of the image, and batch normalisation follows
    each of them.

    Args:
        input_shape: Height, width and channels; pixels from 0 to 255. Height and width can be halved as often as the
            network pools.
        widths: Channels of each level, from the full resolution down.
        skip: ``False`` leaves out the connections from the way down, and with them half of the inputs of the first
            convolution of each level on the way up.

    Raises:
        ValueError: There are fewer than two levels, or an image cannot be halved so often.
    """
    halvings = len(widths) - 1
    if halvings < 1:
        raise ValueError(f"widths is {tuple(widths)}; a U-Net has two levels at least, such as (8, 16).")
    if any(side % 2**halvings for side in input_shape[:2]):
        raise ValueError(
            f"Images of {input_shape[0]} by {input_shape[1]} pixels cannot be halved {halvings} times. Take fewer "
            f"widths, or pad the images to multiples of {2**halvings}."
        )
    inputs = keras.Input(input_shape)
    x, kept = layers.Rescaling(1 / 127.5, offset=-1)(inputs), []
    for k, width in enumerate(widths):
        x = _two_convolutions(x, width, f"down{k + 1}")
        if k < halvings:
            kept.append(x)
            x = layers.MaxPooling2D(name=f"down{k + 1}_pool")(x)
    for k in reversed(range(halvings)):
        x = layers.Conv2DTranspose(widths[k], 2, strides=2, name=f"up{k + 1}_enlarge")(x)
        if skip:
            x = layers.Concatenate(name=f"up{k + 1}_beside")([kept[k], x])
        x = _two_convolutions(x, widths[k], f"up{k + 1}")
    return keras.Model(inputs, layers.Conv2D(1, 1, name="logits")(x), name="unet" if skip else "unet_without_skip")


def _two_convolutions(x: Any, width: int, name: str) -> Any:
    for half in (1, 2):
        x = layers.Conv2D(
            width,
            3,
            padding="same",
            use_bias=False,  # batch normalisation would subtract it again
            kernel_initializer="he_normal",
            name=f"{name}_conv{half}",
        )(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{half}")(x)
        x = layers.ReLU(name=f"{name}_relu{half}")(x)
    return x


def mirror_and_turn(images: tf.Tensor, masks: tf.Tensor, seed: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Return square images with their masks, each pair in one of the square's eight symmetries, drawn evenly.

    Image and mask are moved as *one* array, so that they cannot part. A pure function: the same two-number ``seed``
    gives the same result.

    Args:
        images: float32 (n, side, side, channels).
        masks: float32 (n, side, side, 1).
        seed: Two whole numbers.
    """
    both = tf.concat([images, masks], axis=-1)
    draws = tf.random.stateless_uniform([3, tf.shape(both)[0], 1, 1, 1], seed) < 0.5
    both = tf.where(draws[0], both[:, :, ::-1], both)
    both = tf.where(draws[1], both[:, ::-1], both)
    both = tf.where(draws[2], tf.transpose(both, (0, 2, 1, 3)), both)
    return both[..., :-1], both[..., -1:]


def mask_batches(
    dataset: datasets.Dataset, batch_size: int, *, shuffle: int | None = None, augment: bool = False
) -> tf.data.Dataset:
    """Return the set as batches of (images float32 0..255, masks float32 (n, height, width, 1) of 0 and 1).

    Args:
        dataset: With masks; ``shapes10`` has them.
        batch_size: Images in one batch; the last one may be smaller.
        shuffle: The seed of the order, a new one in each epoch, and of the augmentation; ``None`` keeps the order.
        augment: Whether each batch goes through :func:`mirror_and_turn`, with new draws; needs square images.

    Raises:
        ValueError: The set has no masks, or its images are augmented and are not square.
    """
    if dataset.masks is None:
        raise ValueError(f"{dataset.name} has no masks; take a set that has them, such as shapes10.")
    height, width, _ = dataset.image_shape
    if augment and height != width:
        raise ValueError(f"The images are {height} by {width} pixels; only square ones can be turned. Cut them out.")
    pipeline = tf.data.Dataset.from_tensor_slices((dataset.images, dataset.masks[..., np.newaxis]))
    if shuffle is not None:
        pipeline = pipeline.shuffle(len(dataset), seed=shuffle, reshuffle_each_iteration=True)
    pipeline = pipeline.batch(batch_size)
    pipeline = pipeline.map(lambda images, masks: (tf.cast(images, tf.float32), tf.cast(masks, tf.float32)))
    if augment:
        draws = keras.random.SeedGenerator(shuffle or 0)
        pipeline = pipeline.map(lambda images, masks: mirror_and_turn(images, masks, draws.next()))
    return pipeline.prefetch(tf.data.AUTOTUNE)


def predicted_masks(model: keras.Model, images: np.ndarray, *, batch_size: int = 250) -> np.ndarray:
    """Return bool (n, height, width): where the model's logit is above 0, a probability above one half."""
    return model.predict(images, batch_size=batch_size, verbose=0)[..., 0] > 0
