"""Maps of what a class depends on: Grad-CAM, and four other methods through tf-keras-vis. Derived in lesson 09."""

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_course.saliency.explainable import ends_in_sigmoid, explainable, layer_names

METHODS = ("Grad-CAM", "Grad-CAM++", "Score-CAM", "gradient", "SmoothGrad")


def enlarged(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return maps (n, height, width) at another size, interpolated linearly between the centres of their cells.

    A cell of a map that was made with stride s covers s by s pixels of the image, and its value belongs to the middle
    of these. Interpolation that puts the outermost cells onto the border of the image, as ``scipy.ndimage.zoom`` does,
    moves everything outwards by up to half a cell.
    """
    return tf.image.resize(np.asarray(maps, "float32")[..., np.newaxis], size)[..., 0].numpy()


class Explainer:
    """Shows on which pixels the logits of a classifier depend.

    Every method takes images ``(n, height, width, channels)``, pixels as the model takes them, and for each the class
    that is explained, ``(n,)`` or one number for all; and returns maps ``float32 (n, height, width)`` at the size of
    the images, from 0 on. Only the relative values of one map mean something.

    Args:
        model: Any classifier that :func:`explainable` takes.
        layer: The layer whose maps Grad-CAM, Grad-CAM++ and Score-CAM weigh; by default the last one that has maps.
        batch_size: Images in one call.

    Raises:
        TypeError: The model cannot be opened.
        ValueError: It is no classifier of images, has no maps, or no such layer.
    """

    def __init__(self, model: keras.Model, *, layer: str | None = None, batch_size: int = 100) -> None:
        self.model = explainable(model)
        self._probabilities = tf.nn.sigmoid if ends_in_sigmoid(model) else tf.nn.softmax
        self.batch_size = batch_size
        known = layer_names(self.model)
        if not known:
            raise ValueError(f"The model {model.name!r} has no layer with maps (n, height, width, channels) to weigh.")
        if layer is not None and layer not in known:
            raise ValueError(
                f"The model {model.name!r} has no layer {layer!r} with maps (n, height, width, channels). Its "
                f"layers with maps are {', '.join(known)}."
            )
        self.layer = layer or known[-1]
        self._both = keras.Model(self.model.inputs, [self.model.get_layer(self.layer).output, self.model.outputs[0]])

    def __call__(self, method: str, images: np.ndarray, classes: Any, **keywords: Any) -> np.ndarray:
        """Return the maps of a method by its name, one of :data:`METHODS`."""
        named = {
            "Grad-CAM": self.grad_cam,
            "Grad-CAM++": self.grad_cam_plus_plus,
            "Score-CAM": self.score_cam,
            "gradient": self.gradient,
            "SmoothGrad": self.smooth_grad,
        }
        if method not in named:
            raise ValueError(f"There is no method {method!r}; there are {', '.join(METHODS)}.")
        return named[method](images, classes, **keywords)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Return logits (n, k), float32."""
        return self._by_batches(lambda some: self.model(some, training=False).numpy(), images)

    def probabilities(self, images: np.ndarray, classes: Any) -> np.ndarray:
        """Return the probability of each image's class, float32 (n,): by the softmax, or the sigmoid the model had."""
        probabilities = self._probabilities(self.logits(images)).numpy()
        return probabilities[np.arange(len(images)), self._classes(images, classes)]

    def grad_cam(self, images: np.ndarray, classes: Any) -> np.ndarray:
        """Return Grad-CAM: the maps weighted by the mean of the logit's gradient, its positive part.

        R. Selvaraju and others 2016, arXiv 1610.02391, section 3.
        """

        def of_batch(images: tf.Tensor, classes: np.ndarray) -> np.ndarray:
            with tf.GradientTape() as tape:
                tape.watch(images)
                maps, logits = self._both(images, training=False)
                score = tf.gather(logits, classes, batch_dims=1)
            weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2), keepdims=True)
            return tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1)).numpy()

        return enlarged(self._by_batches(of_batch, images, classes), images.shape[1:3])

    def grad_cam_plus_plus(self, images: np.ndarray, classes: Any) -> np.ndarray:
        """Return Grad-CAM++ (A. Chattopadhay and others 2017, arXiv 1710.11063), by tf-keras-vis."""
        with _tf_keras_vis() as vis:
            method = vis.gradcam_plus_plus.GradcamPlusPlus(self.model, clone=False)
            return self._class_maps(method, images, classes, score=_score_around_zero)

    def score_cam(self, images: np.ndarray, classes: Any, *, channels: int | None = None) -> np.ndarray:
        """Return Score-CAM (H. Wang and others 2019, arXiv 1910.01279), by tf-keras-vis: it uses no gradient.

        It takes one pass forward for each channel of the maps. ``channels`` keeps only so many of each image, those
        that vary most.

        Raises:
            ValueError: The model has one output, whose share among one is always the same.
        """
        if self.model.outputs[0].shape[-1] == 1:
            raise ValueError(
                f"Score-CAM compares classes, and {self.model.name!r} has one output. Give it two, one for each class, "
                "or take Grad-CAM."
            )
        most = self._both.outputs[0].shape[-1]
        with _tf_keras_vis() as vis:
            method = vis.scorecam.Scorecam(self.model, clone=False)
            keywords = {"max_N": min(channels, most) if channels else None, "batch_size": 320}
            return self._class_maps(method, images, classes, at_once=1 if channels else 20, **keywords)

    def gradient(self, images: np.ndarray, classes: Any) -> np.ndarray:
        """Return the size of the logit's gradient by each pixel, of the channel where it is largest.

        K. Simonyan, A. Vedaldi and A. Zisserman 2013, arXiv 1312.6034, section 3; by tf-keras-vis.
        """
        return self.smooth_grad(images, classes, samples=0)

    def smooth_grad(
        self, images: np.ndarray, classes: Any, *, samples: int = 12, noise: float = 0.1, seed: int = 0
    ) -> np.ndarray:
        """Return SmoothGrad: the mean of the gradient's size over noisy copies of the image, by tf-keras-vis.

        The noise has a standard deviation of ``noise`` times the range of the image's pixels. D. Smilkov and others
        2017, arXiv 1706.03825.
        """
        with _tf_keras_vis(seed) as vis:
            method = vis.saliency.Saliency(self.model, clone=False)

            def of_batch(images: tf.Tensor, classes: np.ndarray) -> np.ndarray:
                keywords = {"smooth_samples": samples, "smooth_noise": noise, "normalize_map": False}
                return np.asarray(method(_score(classes), images, **keywords), "float32")

            return self._by_batches(of_batch, images, classes)

    def maximise(
        self,
        classes: Sequence[int],
        *,
        size: tuple[int, int],
        steps: int = 100,
        rate: float = 4.0,
        smoothness: float = 0.01,
        jitter: int = 1,
        seed: int = 0,
    ) -> np.ndarray:
        """Return for each class an image that raises its logit, uint8, by gradient ascent from noise, by tf-keras-vis.

        Activation maximisation, D. Erhan and others 2009.

        Args:
            classes: The classes, whole numbers.
            size: Height and width of the images.
            steps: Steps of the ascent.
            rate: Root mean square of what one step changes, in levels of a pixel.
            smoothness: Weight of the differences between neighbouring pixels (total variation) against the logit.
            jitter: Pixels by which all is moved at most between two steps, at least 1, around the edges.
            seed: Of the noise and of the movements.
        """
        shape = (len(classes), *size, self.model.inputs[0].shape[-1])
        with _tf_keras_vis(seed) as vis:
            parts = vis.activation_maximization
            method = parts.ActivationMaximization(self.model, clone=False)
            start = np.random.default_rng(seed).uniform(118, 138, shape).astype("float32")
            images = method(
                _score(self._classes(start, classes)),
                seed_input=tf.constant(start),
                steps=steps,
                input_modifiers=[parts.input_modifiers.Jitter(jitter), lambda some: tf.clip_by_value(some, 0.0, 255.0)],
                regularizers=[parts.regularizers.TotalVariation2D(smoothness)],
                # Steps of one length. An optimiser that remembers each pixel's gradients would not move them with it.
                optimizer=keras.optimizers.SGD(rate),
                gradient_modifier=_of_equal_length,
            )
        return np.clip(np.round(images), 0, 255).astype("uint8")

    def _class_maps(
        self,
        method: Callable,
        images: np.ndarray,
        classes: Any,
        *,
        score: Callable | None = None,
        at_once: int | None = None,
        **keywords: Any,
    ) -> np.ndarray:
        """Return what a method of tf-keras-vis that weighs maps finds, at the size of the images."""

        def of_batch(images: tf.Tensor, classes: np.ndarray) -> np.ndarray:
            same = {"penultimate_layer": self.layer, "seek_penultimate_conv_layer": False}
            as_they_are = {"expand_cam": False, "normalize_cam": False}
            of_class = (score or _score)(classes)
            return np.asarray(method(of_class, images, **same, **as_they_are, **keywords), "float32")

        return enlarged(self._by_batches(of_batch, images, classes, at_once=at_once), images.shape[1:3])

    def _by_batches(
        self, function: Callable, images: np.ndarray, classes: Any = None, at_once: int | None = None
    ) -> Any:
        """Return the results of a function of batches of images, and of classes where given, in one array."""
        wanted = self.model.inputs[0].shape[1:]
        fits = images.ndim == 4 and all(b in (None, a) for a, b in zip(images.shape[1:], wanted, strict=True))
        if not fits or len(images) == 0:
            raise ValueError(
                f"The images have the shape {images.shape}; the model takes "
                f"(n, {', '.join(map(str, wanted))}), n from 1."
            )
        size = at_once or self.batch_size
        arrays = [images] if classes is None else [images, self._classes(images, classes)]
        found = []
        for at in range(0, len(images), size):
            some, *others = (array[at : at + size] for array in arrays)
            found.append(function(tf.cast(some, tf.float32), *others))
        return np.concatenate(found)

    def _classes(self, images: np.ndarray, classes: Any) -> np.ndarray:
        classes, count = np.asarray(classes), self.model.outputs[0].shape[-1]
        if classes.shape not in ((), (len(images),)):
            raise ValueError(
                f"There are {len(images)} images and classes of shape {classes.shape}; each image has one."
            )
        if not np.issubdtype(classes.dtype, np.integer) or classes.min() < 0 or classes.max() >= count:
            raise ValueError(f"classes must be whole numbers from 0 to {count - 1}, one for each image.")
        return np.broadcast_to(classes, len(images))


def _of_equal_length(gradient: tf.Tensor) -> tf.Tensor:
    """Return the gradient by each image divided by the root of its mean square."""
    return gradient / (tf.sqrt(tf.reduce_mean(gradient**2, axis=(1, 2, 3), keepdims=True)) + 1e-12)


def _score(classes: np.ndarray) -> Callable:
    """Return the score that tf-keras-vis asks for: the output of each image's class."""
    return lambda outputs: tf.gather(outputs, tf.constant(classes, tf.int32), batch_dims=1)


def _score_around_zero(classes: np.ndarray) -> Callable:
    """Return a score with the gradients of :func:`_score` and the value 0: tf-keras-vis takes its exponential.

    That is a factor of the whole map, and infinite from a logit of 89 on.
    """
    score = _score(classes)
    return lambda outputs: score(outputs) - tf.stop_gradient(score(outputs))


@contextlib.contextmanager
def _tf_keras_vis(seed: int = 0) -> Iterator[Any]:
    """Import tf-keras-vis; its random draws follow ``seed``, and neither its progress bars nor its warnings are shown.

    It draws from NumPy's global generator, which is left as it was.
    """
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore", DeprecationWarning)
            # It passes the images as a list of one, which works and makes Keras speak.
            warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)
            import tf_keras_vis
            import tf_keras_vis.activation_maximization.input_modifiers
            import tf_keras_vis.activation_maximization.regularizers
            import tf_keras_vis.gradcam_plus_plus
            import tf_keras_vis.saliency
            import tf_keras_vis.scorecam

            yield tf_keras_vis
    finally:
        np.random.set_state(state)  # noqa: NPY002
