"""Quantization-aware training: the network feels the rounding while it learns. Derived in lesson 08.

B. Jacob and others 2017, arXiv 1712.05877, section 3; the gradient that passes straight through a rounding: Y. Bengio
and others 2013, arXiv 1308.3432.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

LEVELS = 256


def fake_quantize(values: Any, minimum: Any, maximum: Any, *, symmetric: bool = False) -> Any:
    """Return the values rounded to 256 equally spaced levels from ``minimum`` to ``maximum``, of which one is 0.

    To keep 0 a level, the range is moved by up to half a step. The gradient is that of clipping: it passes straight
    through where a value lies in the range, and is zero outside. That of rounding itself would be zero everywhere.

    Args:
        values: Any shape.
        minimum: At most 0; a number, or one for each place of the last axis.
        maximum: At least 0, the same shape, not both 0.
        symmetric: Use 255 levels, as weights do, for which -128 is left out.
    """
    steps = LEVELS - 2 if symmetric else LEVELS - 1
    scale = (maximum - minimum) / steps
    below = ops.round(-minimum / scale)  # levels below 0
    clipped = ops.clip(values, -below * scale, (steps - below) * scale)
    return clipped + ops.stop_gradient(ops.round(clipped / scale) * scale - clipped)


def rounded_kernel(kernel: Any) -> Any:
    """Return a kernel rounded to 8 bits: that of a convolution with a range for each channel out, others with one."""
    each_channel = len(kernel.shape) == 4  # the converter of LiteRT does not take more than one for a dense layer
    largest = ops.maximum(ops.max(ops.abs(kernel), axis=(0, 1, 2) if each_channel else None), 1e-8)
    if keras.backend.backend() != "tensorflow":
        return fake_quantize(kernel, -largest, largest, symmetric=True)
    # The same, as operations that the converter knows.
    known = tf.quantization
    rounding = known.fake_quant_with_min_max_vars_per_channel if each_channel else known.fake_quant_with_min_max_vars
    return rounding(kernel, -largest, largest, narrow_range=True)


@keras.saving.register_keras_serializable("cnn_course")
class RoundedConv2D(layers.Conv2D):
    """A convolution that computes with its kernel rounded to 8 bits, and learns the kernel itself."""

    def call(self, inputs: Any) -> Any:
        """Return the activated maps."""
        outputs = self.convolution_op(inputs, rounded_kernel(ops.convert_to_tensor(self.kernel)))
        return self.activation(outputs + self.bias if self.use_bias else outputs)


@keras.saving.register_keras_serializable("cnn_course")
class RoundedDense(layers.Dense):
    """A dense layer that computes with its kernel rounded to 8 bits, and learns the kernel itself."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the activated outputs."""
        outputs = ops.matmul(inputs, rounded_kernel(ops.convert_to_tensor(self.kernel)))
        return self.activation(outputs + self.bias if self.use_bias else outputs)


@keras.saving.register_keras_serializable("cnn_course")
class RoundedMaps(layers.Layer):
    """Round maps to 8 bits, in a range that follows the smallest and the largest value of the training batches.

    Args:
        momentum: Share of the range that a batch leaves as it was.
        keywords: Those of every Keras layer.
    """

    def __init__(self, momentum: float = 0.99, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.momentum = momentum

    def build(self, input_shape: Any) -> None:
        """Make the two ends of the range."""
        self.minimum = self.add_weight(shape=(), initializer="zeros", trainable=False, name="minimum")
        self.maximum = self.add_weight(shape=(), initializer="ones", trainable=False, name="maximum")

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the rounded maps, of the same shape."""
        if training:
            low, high = ops.minimum(ops.min(inputs), 0.0), ops.maximum(ops.max(inputs), 1e-6)
            for end, value in ((self.minimum, low), (self.maximum, high)):
                end.assign(self.momentum * end + (1 - self.momentum) * value)
        minimum, maximum = ops.convert_to_tensor(self.minimum), ops.convert_to_tensor(self.maximum)
        if keras.backend.backend() == "tensorflow":
            return tf.quantization.fake_quant_with_min_max_vars(inputs, minimum, maximum)
        return fake_quantize(inputs, minimum, maximum)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as Keras needs them to save a model."""
        return {**super().get_config(), "momentum": self.momentum}


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """Return a model that computes the same in inference, without batch normalisation.

    What follows a convolution is then one multiplication and one addition for each channel, and becomes a part of its
    kernel and its bias: ``kernel * gamma / sigma`` and ``beta - mean * gamma / sigma``.

    Args:
        model: A ``Sequential`` model, or a functional one each layer of which is called once.

    Raises:
        ValueError: A normalisation follows something else than a convolution, or one whose result is also used without
            it.
    """
    model = _graph(model)
    norm_of = {}
    for norm in model.layers:
        if isinstance(norm, layers.BatchNormalization):
            before = next((layer for layer in model.layers if layer.output is norm.input), None)
            if type(before) is not layers.Conv2D or before.activation is not keras.activations.linear:
                raise ValueError(f"{norm.name} follows no bare convolution, and cannot become a part of one.")
            read = [layer.input for layer in model.layers if not isinstance(layer, layers.InputLayer)]
            uses = [*keras.tree.flatten(read), *model.outputs]
            if sum(tensor is before.output for tensor in uses) > 1:
                raise ValueError(
                    f"What {before.name} returns is also used without {norm.name}, which therefore cannot become a "
                    "part of it."
                )
            norm_of[before.name] = norm

    def with_bias(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        return type(layer).from_config({**config, "use_bias": True} if layer.name in norm_of else config)

    def without_norm(layer: keras.layers.Layer, *inputs: Any, **keywords: Any) -> Any:
        return inputs[0] if isinstance(layer, layers.BatchNormalization) else layer(*inputs, **keywords)

    folded = keras.models.clone_model(model, clone_function=with_bias, call_function=without_norm)
    for layer in folded.layers[1:]:  # without the input
        old = model.get_layer(layer.name)
        layer.set_weights(_folded(old, norm_of[layer.name]) if layer.name in norm_of else old.get_weights())
    return folded


def _graph(model: keras.Model) -> keras.Model:
    """Return the model, a ``Sequential`` one as a functional model with weights of its own.

    The layers of a ``Sequential`` model may have been called several times, once for each layer that was added, so that
    their inputs and outputs are not those of one graph.
    """
    if not isinstance(model, keras.Sequential):
        return model
    graph = keras.models.clone_model(keras.Model(model.inputs[0], model.outputs[0], name=model.name))
    graph.set_weights(model.get_weights())
    return graph


def _folded(convolution: layers.Conv2D, norm: layers.BatchNormalization) -> list[np.ndarray]:
    """Return the kernel and the bias that do what a convolution and the normalisation after it do."""
    kernel = np.asarray(convolution.kernel)
    mean, variance = np.asarray(norm.moving_mean), np.asarray(norm.moving_variance)
    factor = (np.asarray(norm.gamma) if norm.scale else 1) / np.sqrt(variance + norm.epsilon)
    bias = np.asarray(convolution.bias) if convolution.use_bias else 0
    return [kernel * factor, (np.asarray(norm.beta) if norm.center else 0) + (bias - mean) * factor]


# What these return are values that they were given, which need no rounding of their own.
_CHOOSING = (layers.MaxPooling2D, layers.GlobalMaxPooling2D, layers.Flatten)
_ACTIVATIONS = (None, keras.activations.linear, keras.activations.relu)
_COMPUTING = (layers.Rescaling, layers.Conv2D, layers.Dense, layers.ReLU, layers.Add, layers.GlobalAveragePooling2D)


def quantization_aware(model: keras.Model, representative: np.ndarray) -> keras.Model:
    """Return a model with the same weights that rounds kernels and maps to 8 bits, to be trained a little further.

    Maps are rounded where an integer network stores them: the pixels, and what every layer returns but those that only
    choose among the values they were given, and those whose result goes into a ReLU, which is computed in one with
    them. :func:`cnn_course.quantization.convert` makes an ``"int8"`` file of it, with the ranges that it has learned.

    Args:
        model: A ``Sequential`` or functional model of images without batch normalisation (:func:`fold_batch_norm`), of
            convolutions, dense layers, ReLU, sums and pooling.
        representative: Images (n, height, width, channels), by which the ranges of the maps begin.

    Raises:
        ValueError: The model has a layer of another kind, or with an activation other than ReLU.
    """
    model = _graph(model)
    pixels = model.layers[0]
    for layer in model.layers[1:]:
        if not isinstance(layer, (*_CHOOSING, *_COMPUTING)):
            known = ", ".join(kind.__name__ for kind in (*_COMPUTING, *_CHOOSING))
            raise ValueError(
                f"{layer.name} is a {type(layer).__name__}; rounding is known for {known}. Batch normalisation is made "
                "a part of the convolutions by fold_batch_norm."
            )
        if getattr(layer, "activation", None) not in _ACTIVATIONS:
            raise ValueError(
                f"{layer.name} has the activation {layer.activation.__name__}; rounding is known for ReLU alone. A "
                "softmax at the end can be left out, since it keeps the order of the logits."
            )
    stored = [layer for layer in model.layers if layer is pixels or _is_stored(layer, model)]
    names = {layer.name for layer in stored}
    rounded_pixels: list[Any] = []  # computed once, whoever reads them

    def rounded_if_pixels(values: Any, original: Any) -> Any:
        if original is not pixels.output:
            return values
        if not rounded_pixels:
            rounded_pixels.append(RoundedMaps(name=_rounding_name(pixels))(values))
        return rounded_pixels[0]

    def rounded(layer: keras.layers.Layer, inputs: Any, **keywords: Any) -> Any:
        """Call the clone ``layer``, whose original has the same name, and round where the values are stored."""
        inputs = keras.tree.map_structure(rounded_if_pixels, inputs, model.get_layer(layer.name).input)
        outputs = layer(inputs, **keywords)
        return RoundedMaps(name=_rounding_name(layer))(outputs) if layer.name in names else outputs

    aware = keras.models.clone_model(model, clone_function=_rounding_clone, call_function=rounded)
    for layer in model.layers[1:]:
        aware.get_layer(layer.name).set_weights(_weights_of_clone(layer))
    maps = keras.Model(model.inputs, [layer.output for layer in stored]).predict(representative, verbose=0)
    for layer, values in zip(stored, maps, strict=True):
        rounding = aware.get_layer(_rounding_name(layer))
        rounding.minimum.assign(min(float(values.min()), 0.0))
        rounding.maximum.assign(max(float(values.max()), 1e-6))
    return aware


def _is_stored(layer: keras.layers.Layer, model: keras.Model) -> bool:
    """Return whether an integer network stores what the layer returns as new values."""
    if isinstance(layer, _CHOOSING):
        return False
    readers = [other for other in model.layers[1:] if any(x is layer.output for x in keras.tree.flatten(other.input))]
    is_output = any(layer.output is output for output in model.outputs)
    return is_output or not all(isinstance(reader, layers.ReLU) for reader in readers)


def _rounding_name(layer: keras.layers.Layer) -> str:
    return f"{layer.name}_rounded"


def _rounding_clone(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Return a layer that does the same as ``layer``, its kernel rounded."""
    if isinstance(layer, layers.Rescaling):  # one multiplication and one sum for each channel: a convolution
        return RoundedConv2D(layer.input.shape[-1], 1, trainable=False, name=layer.name)
    kind = {layers.Conv2D: RoundedConv2D, layers.Dense: RoundedDense}.get(type(layer), type(layer))
    return kind.from_config(layer.get_config())


def _weights_of_clone(layer: keras.layers.Layer) -> list[np.ndarray]:
    """Return the weights of the clone of a layer."""
    if isinstance(layer, layers.Rescaling):
        channels = layer.input.shape[-1]
        return [np.eye(channels)[np.newaxis, np.newaxis] * layer.scale, np.zeros(channels) + layer.offset]
    return layer.get_weights()
