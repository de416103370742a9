"""Images as a bad camera, bad weather or a bad connection would deliver them, at five severities. Lesson 12.

The kinds and their parameters follow CIFAR-10-C (D. Hendrycks and T. Dietterich 2019, "Benchmarking neural network
robustness to common corruptions and perturbations", arXiv 1903.12261). Each works on all images at once. Two differ
from the source: fog is noise with a falling spectrum in place of a plasma fractal, and results are rounded, not cut, to
whole numbers. Accuracies are therefore near to, and not the same as, those on the published files.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

SEVERITIES = (1, 2, 3, 4, 5)


def _gaussian_noise(images: np.ndarray, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Add to each value a normal number with this standard deviation."""
    return images + rng.normal(0, spread, images.shape).astype("float32")


def _gaussian_blur(images: np.ndarray, width: float, rng: np.random.Generator) -> np.ndarray:
    """Blur height and width by a Gaussian of this standard deviation, in pixels."""
    return ndimage.gaussian_filter(images, (0, width, width, 0), mode="nearest")


def _contrast(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Leave this share of the difference of each value from the mean of its image and channel."""
    mean = images.mean(axis=(1, 2), keepdims=True)
    return mean + share * (images - mean)


def _brightness(images: np.ndarray, more: float, rng: np.random.Generator) -> np.ndarray:
    """Raise the value of HSV, the largest channel of each pixel, and keep hue and saturation."""
    value = images.max(axis=-1, keepdims=True)
    brighter = np.minimum(value + more, 1)
    return np.where(value > 0, images * brighter / np.maximum(value, 1e-6), brighter)


def _jpeg(images: np.ndarray, quality: int, rng: np.random.Generator) -> np.ndarray:
    """Write each image as JPEG of this quality, and read it."""
    read = np.empty(images.shape, "uint8")
    for k, image in enumerate(_whole(images)):
        file = io.BytesIO()
        Image.fromarray(image.squeeze()).save(file, "jpeg", quality=quality)
        read[k] = np.asarray(Image.open(file)).reshape(image.shape)
    return read / np.float32(255)


def _pixelate(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Average over fewer, larger pixels, this share of them along each side, and enlarge them without smoothing."""
    rows, columns = (_larger_pixels(side, int(side * share)) for side in images.shape[1:3])
    return np.einsum("rh,nhwc,sw->nrsc", rows, images, columns, optimize=True)


def _fog(images: np.ndarray, strength: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Lay over the image a mist (:func:`_mist`) of this strength and falloff, and bring the sum back into its range."""
    amount, falloff = strength
    brightest = images.max(axis=(1, 2, 3), keepdims=True)
    mist = _mist(images.shape[:3], falloff, rng)[..., np.newaxis]
    return (images + amount * mist) * brightest / (brightest + amount)


# For each kind its function and its parameter at the severities 1 to 5.
CORRUPTIONS: dict[str, tuple[Callable, tuple]] = {
    "noise": (_gaussian_noise, (0.04, 0.06, 0.08, 0.09, 0.10)),
    "blur": (_gaussian_blur, (0.4, 0.6, 0.7, 0.8, 1.0)),
    "contrast": (_contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "brightness": (_brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
    "JPEG": (_jpeg, (80, 65, 58, 50, 40)),
    "pixelate": (_pixelate, (0.95, 0.9, 0.85, 0.75, 0.65)),
    "fog": (_fog, ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))),
}


def corrupt(images: np.ndarray, kind: str, severity: int, *, seed: int = 0) -> np.ndarray:
    """Return the images with one of :data:`CORRUPTIONS`.

    Args:
        images: (n, height, width, channels), ``uint8``, 1 or 3 channels.
        kind: ``"noise"``, ``"blur"``, ``"contrast"``, ``"brightness"``, ``"JPEG"``, ``"pixelate"`` or ``"fog"``.
        severity: From 1 (hardly to be seen) to 5.
        seed: Of what is random; the same seed gives the same images.

    Returns:
        As ``images``, ``uint8``.

    Raises:
        ValueError: There is no such kind or severity, or the images are no ``uint8`` images.
    """
    if kind not in CORRUPTIONS:
        raise ValueError(f"There is no corruption {kind!r}; there are {', '.join(CORRUPTIONS)}.")
    if severity not in SEVERITIES:
        raise ValueError(f"severity is {severity!r}; it must be 1, 2, 3, 4 or 5.")
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            f"The images are {images.dtype} {images.shape}; they must be uint8 (n, height, width, 1 or 3 channels)."
        )
    function, parameters = CORRUPTIONS[kind]
    rng = np.random.default_rng(seed)
    # In parts, so that the float32 copies of many images do not fill the memory.
    parts = [
        _whole(function(images[at : at + 2000] / np.float32(255), parameters[severity - 1], rng))
        for at in range(0, len(images), 2000)
    ]
    return np.concatenate(parts) if parts else images


def _whole(images: np.ndarray) -> np.ndarray:
    """Return values from 0 to 1 as ``uint8`` from 0 to 255."""
    return np.rint(255 * np.clip(images, 0, 1)).astype("uint8")


def _larger_pixels(side: int, fewer: int) -> np.ndarray:
    """Return the matrix (side, side) that averages a line over ``fewer`` equal stretches and repeats each mean.

    A pixel belongs to the stretch in which its centre lies, as in Pillow's box filter.
    """
    stretch = ((np.arange(side) + 0.5) * fewer / side).astype(int)
    together = stretch[:, None] == stretch
    return (together / together.sum(axis=1, keepdims=True)).astype("float32")


def _mist(shape: tuple[int, int, int], falloff: float, rng: np.random.Generator) -> np.ndarray:
    """Return smooth noise (n, height, width) from 0 to 1, whose amplitude falls with the frequency f as f^-falloff."""
    height, width = shape[1:]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency[0, 0] = np.inf  # no mean; the range is set below
    spectrum = np.fft.rfft2(rng.normal(size=shape)) * frequency**-falloff
    noise = np.fft.irfft2(spectrum, s=(height, width)).astype("float32")
    lowest = noise.min(axis=(1, 2), keepdims=True)
    return (noise - lowest) / np.maximum(noise.max(axis=(1, 2), keepdims=True) - lowest, 1e-12)
