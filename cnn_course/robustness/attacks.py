"""Changes too small to be seen that fool a network, and training on them. Derived in lesson 12.

I. Goodfellow, J. Shlens and C. Szegedy 2014, "Explaining and harnessing adversarial examples", arXiv 1412.6572 (FGSM);
A. Madry and others 2017, "Towards deep learning models resistant to adversarial attacks", arXiv 1706.06083 (PGD);
E. Wong, L. Rice and J. Z. Kolter 2020, "Fast is better than free", arXiv 2001.03994 (training in one step).

All lengths are in units of the pixels, 0 to 255: the usual radius of 8/255 is 8 here.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from cnn_course import training

# Of (images, labels): the gradient of each image's loss by its pixels, as :func:`input_gradient` returns it.
Gradient = Callable[[np.ndarray, np.ndarray], np.ndarray]


def fgsm(
    model: keras.Model | Gradient, images: np.ndarray, labels: np.ndarray, *, radius: float = 8.0, batch_size: int = 500
) -> np.ndarray:
    """Return the images after one step of length ``radius`` against the model: fast gradient sign method.

    Each value moves by ``radius`` in the direction in which the loss grows, and stays within 0 to 255.

    Args:
        model: Returns logits (n, k) for images from 0 to 255. Or what :func:`input_gradient` returns for it, which is
            compiled once for as many attacks as follow.
        images: (n, height, width, channels).
        labels: (n,), whole numbers.
        radius: Largest change of a value.
        batch_size: Images in one call.

    Returns:
        float32, of the shape of ``images``.
    """
    gradient = _gradient_of(model)
    moved = []
    for clean, right in _parts(images, labels, radius, batch_size):
        moved.append(np.clip(clean + radius * np.sign(gradient(clean, right)), 0, 255))
    return np.concatenate(moved)


def pgd(
    model: keras.Model | Gradient,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    radius: float = 8.0,
    step_size: float = 2.0,
    steps: int = 20,
    seed: int = 0,
    batch_size: int = 500,
) -> np.ndarray:
    """Return the images after many small steps against the model: projected gradient descent.

    It begins at a random place within ``radius`` of each image. After every step each value is brought back to within
    ``radius`` of where it was, and to 0 to 255. Arguments and result as in :func:`fgsm`; ``seed`` is that of the
    beginning.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; it must be at least 1.")
    gradient = _gradient_of(model)
    rng = np.random.default_rng(seed)
    moved = []
    for clean, right in _parts(images, labels, radius, batch_size):
        lowest, highest = np.maximum(clean - radius, 0), np.minimum(clean + radius, 255)
        attacked = clean + rng.uniform(-radius, radius, clean.shape).astype("float32")
        attacked = np.clip(attacked, lowest, highest)
        for _ in range(steps):
            attacked = np.clip(attacked + step_size * np.sign(gradient(attacked, right)), lowest, highest)
        moved.append(attacked)
    return np.concatenate(moved)


def _parts(
    images: np.ndarray, labels: np.ndarray, radius: float, batch_size: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return batches of float32 images and their labels, after a look at the arguments."""
    if radius < 0:
        raise ValueError(f"radius is {radius}; it is the largest change of a pixel's value, at least 0.")
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(f"There are {len(images)} images and {len(labels)} labels; each image needs one.")
    return [
        (np.asarray(images[at : at + batch_size], "float32"), np.asarray(labels[at : at + batch_size]))
        for at in range(0, len(images), batch_size)
    ]


def _gradient_of(model: keras.Model | Gradient) -> Gradient:
    return input_gradient(model) if isinstance(model, keras.Model) else model


def input_gradient(model: keras.Model) -> Gradient:
    """Return a compiled function of (images, labels): the gradient of each image's cross-entropy by its pixels.

    It takes images (n, height, width, channels) of any type, computes with them in float32, takes labels (n,), whole
    numbers, and returns float32 of the shape of the images. The model computes in inference mode, with the weights that
    it has at each call, and so does not mix the images of a batch: the gradient of the sum of their losses holds that
    of each.
    """
    if keras.backend.backend() == "jax":
        import jax

        def total(images: Any, labels: Any, trainable: Any, others: Any) -> Any:
            logits, _ = model.stateless_call(trainable, others, images, training=False)
            return _summed_loss(logits, labels)

        compiled = jax.jit(jax.grad(total))

        def gradient_now(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
            weights = (
                [variable.value for variable in variables]
                for variables in (model.trainable_variables, model.non_trainable_variables)
            )
            return np.asarray(compiled(np.asarray(images, "float32"), labels, *weights))

        return gradient_now

    @tf.function(reduce_retracing=True)
    def gradient(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            loss = _summed_loss(model(images, training=False), labels)
        # Where the loss does not depend on the pixels smoothly, as after rounding, the gradient is zero.
        return tape.gradient(loss, images, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    # Whole numbers have no gradient, and TensorFlow would answer with zeros.
    return lambda images, labels: gradient(tf.cast(images, tf.float32), tf.constant(labels)).numpy()


def _summed_loss(logits: Any, labels: Any) -> Any:
    """Return the sum of the images' cross-entropies."""
    logits = ops.cast(logits, "float32")
    return ops.sum(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))


class AdversarialTrainer(keras.Model):
    """A classifier that ``fit`` trains on images which are changed against it in each step.

    The images are moved at random first, then once along the sign of the gradient. With ``start=0`` and ``step_size``
    as large as the radius that is training on :func:`fgsm`, which may collapse: the network learns to bend the loss
    within one step, and falls to more steps. The defaults are those of J. de Jorge and others 2022, "Make some noise",
    arXiv 2202.01181: a start twice as far as the radius, and no way back to it after the step. Those of Wong and others
    are ``start=8, step_size=10, limit=8``.

    A batch is ((images, labels), labels), since the change needs the labels. The change is computed in inference mode,
    outside the gradient of the weights. What is wanted afterwards is ``classifier``, an ordinary model.

    Args:
        classifier: Returns logits (n, k) for images from 0 to 255.
        start: Largest random move of a value.
        step_size: Move of each value along the sign of the gradient.
        limit: Largest change of a value in the end; ``None`` for no limit but that of the pixels.
        seed: Of the random moves.
    """

    def __init__(
        self,
        classifier: keras.Model,
        *,
        start: float = 16.0,
        step_size: float = 8.0,
        limit: float | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(name=f"hardened_{classifier.name}")
        if min(start, step_size, 0.0 if limit is None else limit) < 0:
            raise ValueError(f"start {start}, step_size {step_size} and limit {limit} are lengths, of at least 0.")
        self.classifier = classifier
        self.start = start
        self.step_size = step_size
        self.limit = limit
        self._seeds = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the logits of (images, labels): of the changed images in training, of the images themselves else."""
        images, labels = inputs
        if training:
            images = self.changed(ops.cast(images, "float32"), labels)
        return self.classifier(images, training=training)

    def changed(self, images: Any, labels: Any) -> Any:
        """Return the images after a random move and one step against the classifier, as training sees them.

        Args:
            images: (n, height, width, channels), float32 from 0 to 255.
            labels: (n,), whole numbers.

        Returns:
            A tensor of the shape of ``images``, float32 from 0 to 255, through which no gradient passes; another one in
            each call where the random move is not 0.
        """
        moved = images
        if self.start:
            moved += keras.random.uniform(ops.shape(images), -self.start, self.start, seed=self._seeds)
        moved += self.step_size * ops.sign(self._gradient(moved, labels))
        if self.limit is not None:
            moved = ops.clip(moved, images - self.limit, images + self.limit)
        return ops.stop_gradient(ops.clip(moved, 0.0, 255.0))

    def _gradient(self, images: Any, labels: Any) -> Any:
        """Return the gradient of the loss by the images, inside a training step of either backend."""

        def loss(images: Any) -> Any:
            return _summed_loss(self.classifier(images, training=False), labels)

        if keras.backend.backend() == "jax":
            import jax

            return jax.grad(loss)(images)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            value = loss(images)
        return tape.gradient(value, images, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def labelled_batches(
    recipe: training.FastRecipe, images: np.ndarray, labels: np.ndarray, *, steps: tuple[int, int], seed: int = 0
) -> tf.data.Dataset:
    """Return the batches of :func:`cnn_course.training.recipe_batches` as :class:`AdversarialTrainer` takes them.

    It is meant as the ``batches`` of :func:`cnn_course.training.fit_recipe`.
    """
    moved = training.recipe_batches(recipe, images, labels, steps=steps, seed=seed)
    return moved.map(lambda images, labels: ((images, labels), labels))
