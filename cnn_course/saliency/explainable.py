"""A copy of a classifier that methods can look into: one flat graph, in float32, that ends with its logits."""

from typing import Any

import keras

# After these, the gradient of a score is no longer that of one class alone, and vanishes where the network is sure.
_SQUASHING = (keras.activations.softmax, keras.activations.sigmoid)


def explainable(model: keras.Model) -> keras.Model:
    """Return a copy of a classifier, with the same weights, that tf-keras-vis and gradients can work on.

    Models that are layers of the model are opened, so that every layer can be reached by its name. All computes in
    float32, and a softmax or sigmoid at the end is left out, so that the output is logits (n, k).

    Args:
        model: A ``Sequential`` or functional classifier of images (n, height, width, channels).

    Raises:
        TypeError: The model is subclassed, or has a subclassed model in it: its graph is not known.
        ValueError: It has not been built, takes something else than images, or returns something else than (n, k).
    """
    _refuse_what_cannot_be_explained(model)
    flat = _flat(model)
    last = flat.operations[-1]

    def in_float32(operation: Any) -> Any:
        if not isinstance(operation, keras.Layer):
            return operation
        config = operation.get_config() | {"dtype": "float32"}
        if operation is last and getattr(operation, "activation", None) in _SQUASHING:
            config["activation"] = "linear"
        return type(operation).from_config(config)

    def without_softmax(operation: Any, *inputs: Any, **keywords: Any) -> Any:
        softmax = operation.name == last.name and type(operation).__name__ in ("Softmax", "Sigmoid")
        return inputs[0] if softmax else operation(*inputs, **keywords)

    copy = keras.models.clone_model(flat, clone_function=in_float32, call_function=without_softmax)
    for layer in copy.layers:
        if layer.weights:
            layer.set_weights([weights.astype("float32") for weights in flat.get_layer(layer.name).get_weights()])
    return copy


def ends_in_sigmoid(model: keras.Model) -> bool:
    """Return whether a classifier's outputs are probabilities that do not add up to 1, each of its own."""
    last = model
    while isinstance(last, keras.Model):
        last = last.layers[-1] if isinstance(last, keras.Sequential) else last.operations[-1]
    return type(last).__name__ == "Sigmoid" or getattr(last, "activation", None) is keras.activations.sigmoid


def layer_names(model: keras.Model) -> list[str]:
    """Return the names of a flat model's layers with maps (n, height, width, channels), from the first convolution on.

    What comes before it only changes pixels, and belongs to no class. A map of one cell says nothing of places.
    """
    found, convolved = [], False
    for layer in model.layers:
        convolved = convolved or any(len(weights.shape) == 4 for weights in layer.weights)
        shape = getattr(layer.output, "shape", ())
        if convolved and len(shape) == 4 and shape[1:3] != (1, 1):
            found.append(layer.name)
    return found


def _is_graph(model: Any) -> bool:
    return isinstance(model, keras.Sequential) or (isinstance(model, keras.Model) and hasattr(model, "operations"))


def _refuse_what_cannot_be_explained(model: Any) -> None:
    if not _is_graph(model):
        raise TypeError(
            f"{getattr(model, 'name', model)!r} is a {type(model).__name__}. Only Sequential and functional models "
            "can be explained, since the graph of another one is not known. Give the functional model inside of it, "
            "such as the student of a Distiller, or write it with keras.Model(inputs, outputs)."
        )
    if isinstance(model, keras.Sequential) and not model.built:
        raise ValueError(
            f"The model {model.name!r} has no weights yet. Give it a keras.Input as its first layer, or "
            "call it on images."
        )
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        shapes = ", ".join(str(each.shape) for each in model.inputs)
        raise ValueError(f"The model {model.name!r} takes {shapes}; what is explained is one batch of images.")
    if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        shapes = ", ".join(str(each.shape) for each in model.outputs)
        raise ValueError(
            f"The model {model.name!r} returns {shapes}; what is explained is a classifier, which returns "
            "(n, classes). A network without its head needs one first."
        )


def _flat(model: keras.Model) -> keras.Model:
    """Return a graph of the model's own layers, those of the models inside of it included."""
    inputs = keras.Input(model.inputs[0].shape[1:], dtype="float32")  # whole numbers have no gradient
    flat = keras.Model(inputs, _opened(model, inputs), name=model.name)
    while any(isinstance(layer, keras.Model) for layer in flat.layers):
        flat = keras.models.clone_model(flat, clone_function=lambda layer: layer, call_function=_opened)
    return flat


def _opened(layer: Any, *inputs: Any, **keywords: Any) -> Any:
    """Call a layer; of a model, call the layers that it is made of instead."""
    if not isinstance(layer, keras.Model):
        return layer(*inputs, **keywords)
    if not _is_graph(layer):
        raise TypeError(
            f"The model has {layer.name!r} in it, a {type(layer).__name__}, whose graph is not known. Only Sequential "
            "and functional models can be explained; write that part with keras.Model(inputs, outputs)."
        )
    # The call of a graph calls its layers one by one; calling the model would make one node of it.
    several = not isinstance(layer, keras.Sequential) and isinstance(layer.input, list)
    return layer.call(list(inputs) if several else inputs[0])
