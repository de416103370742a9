"""Images as sequences of rows, three networks that read them, and how far their gradient reaches back. Lesson 15.

The simple recurrent network is that of J. Elman 1990, "Finding structure in time"; the LSTM that of S. Hochreiter and
J. Schmidhuber 1997, "Long short-term memory", with the forget gate of F. Gers and others 2000. Why gradients vanish:
Y. Bengio and others 1994; R. Pascanu, T. Mikolov and Y. Bengio 2012, arXiv 1211.5063, section 2.
"""

from typing import Literal, get_args

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

Kind = Literal["Conv1D", "SimpleRNN", "LSTM"]
KINDS = get_args(Kind)
Readout = Literal["last", "largest"]


def as_rows(images: np.ndarray) -> np.ndarray:
    """Return greyscale images as sequences of their rows from the top: float32 (n, height, width), from 0 to 1.

    Raises ``ValueError`` unless the images are uint8 (n, height, width, 1).
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 1:
        raise ValueError(
            f"The images are {images.dtype} {images.shape}, and must be uint8 (n, height, width, 1). Take a greyscale "
            "set, such as mnist5k, mnist or fashion_mnist."
        )
    return images[..., 0] / np.float32(255)


def with_noise(rows: np.ndarray, steps: int, *, before: bool = False, seed: int = 0) -> np.ndarray:
    """Return the sequences with ``steps`` rows of noise, even from 0 to 1: float32 (n, length + steps, width).

    The noise comes behind the rows, so that what is asked about has been over for so many steps when the answer is due;
    or ``before`` them, which makes sequences of the same length and content that end with what matters. The same seed
    gives the same noise.
    """
    if steps < 0:
        raise ValueError(f"steps is {steps}; it must be at least 0.")
    noise = np.random.default_rng(seed).random((len(rows), steps, rows.shape[2]), dtype=np.float32)
    return np.concatenate([noise, rows] if before else [rows, noise], axis=1)


def sequence_parameters(kind: Kind, width: int, *, features: int = 28, classes: int = 10) -> int:
    """Return how many weights :func:`sequence_network` has, by formula; it does not depend on the length."""
    _require(kind)
    head = width * classes + classes
    if kind == "Conv1D":
        return 5 * features * width + width + 5 * width * width + width + head
    step = (features + width + 1) * width  # input, state and bias, to each unit
    return (4 if kind == "LSTM" else 1) * step + head


def width_for(kind: Kind, parameters: int, *, features: int = 28, classes: int = 10) -> int:
    """Return the largest width with which :func:`sequence_network` has no more than so many weights."""
    sizes = {"features": features, "classes": classes}
    if sequence_parameters(kind, 1, **sizes) > parameters:
        raise ValueError(f"{parameters:,} weights are too few: {kind} of one unit has more.")
    width = 1
    while sequence_parameters(kind, width + 1, **sizes) <= parameters:
        width += 1
    return width


def sequence_network(
    kind: Kind,
    *,
    width: int,
    features: int = 28,
    classes: int = 10,
    length: int | None = None,
    forget_bias: float = 1.0,
    readout: Readout = "last",
) -> keras.Model:
    """Return a classifier of sequences, float32 (n, length, features), that gives logits (n, classes).

    Args:
        kind: ``"SimpleRNN"`` and ``"LSTM"`` read one row after the other, and a dense layer answers from their last
            state. ``"Conv1D"`` slides two kernels of 5 rows along the sequence, with max pooling between them, and the
            dense layer answers from the largest value of each map.
        width: Units, or channels of both convolutions; :func:`width_for` makes the kinds equally large.
        features: Values in one row.
        classes: Number of classes.
        length: Rows of a sequence; ``None`` leaves it open.
        forget_bias: First bias of an LSTM's forget gate. At 1, Keras' own, the gate lets about three quarters of the
            cell through in each step, at 4 nearly all (Gers and others 2000; R. Jozefowicz and others 2015).
        readout: ``"largest"`` lets a recurrent network answer as the convolution does, from the largest value of each
            unit over all steps, so that no step stands between what was read and the answer.

    Raises:
        ValueError: The kind or the readout is unknown.
    """
    _require(kind)
    if readout not in get_args(Readout):
        raise ValueError(f"readout is {readout!r}; it must be one of {', '.join(get_args(Readout))}.")
    inputs = keras.Input((length, features))
    if kind == "Conv1D":
        x = layers.Conv1D(width, 5, padding="same", activation="relu", name="conv1")(inputs)
        x = layers.MaxPooling1D(name="pool")(x)
        x = layers.Conv1D(width, 5, padding="same", activation="relu", name="conv2")(x)
        x = layers.GlobalMaxPooling1D(name="largest")(x)
    else:
        recurrent = getattr(layers, kind)(width, return_sequences=readout == "largest", name="recurrent")
        x = recurrent(inputs)
        if kind == "LSTM":  # the gates stand in the order input, forget, cell, output
            recurrent.cell.bias.assign(np.repeat([0.0, forget_bias, 0.0, 0.0], width))
        if readout == "largest":
            x = layers.GlobalMaxPooling1D(name="largest")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name=kind.lower())


def gradient_norms(model: keras.Model, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how large the gradient of the loss by the memory is after each step, the mean over sequences.

    It is computed by TensorFlow's tape: on Keras' TensorFlow backend alone.

    The memory is what a step hands to the next: the state h of a simple RNN, the cell c of an LSTM. The loss of a
    sequence is the cross-entropy after its last step; its gradient by the memory after step t says how much a small
    change there, and so what was read until then, still matters for the answer.

    Args:
        model: A recurrent :func:`sequence_network` that answers from its last state.
        rows: float32 (n, length, features).
        labels: Whole numbers (n,).

    Returns:
        Euclidean norms, float64 (length,), those after the first step first.

    Raises:
        ValueError: The model has no recurrent layer, or does not answer from its last state.
    """
    names = [layer.name for layer in model.layers]
    if "recurrent" not in names:
        raise ValueError(f"{model.name} hands no memory from step to step; take a SimpleRNN or an LSTM.")
    if "largest" in names:
        raise ValueError(f"This {model.name} answers from all of its states; take one that answers from the last.")
    cell, head = model.get_layer("recurrent").cell, model.get_layer("logits")
    rows, labels = ops.convert_to_tensor(rows, "float32"), ops.convert_to_tensor(labels)
    states = [ops.zeros((len(rows), cell.units)) for _ in range(1 + (model.name == "lstm"))]
    memories = []
    with tf.GradientTape() as tape:
        tape.watch(states)
        for t in range(rows.shape[1]):
            output, states = cell(rows[:, t], states)
            memories.append(states[-1])  # of an LSTM the states are h and c
        losses = keras.losses.sparse_categorical_crossentropy(labels, head(output), from_logits=True)
    gradients = tape.gradient(losses, memories)
    return np.array([float(ops.mean(ops.norm(gradient, axis=-1))) for gradient in gradients])


def _require(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}.")
