"""The course's synthetic set, ``shapes10``: coloured shapes on textured grounds, each with its exact mask.

An image is a pure function of (seed, its place in the set). Everything is computed in whole numbers from the raw output
of a bit generator, which NumPy promises never to change, so that the set is the same on every machine, to the bit.

Lengths are in 64ths of a pixel, angles in 480ths of a turn, sines and other fractions in 16384ths. A shape is given by
an approximate signed distance to its edge, positive inside; unions are maxima and intersections minima of distances
(Ricci, The Computer Journal 16, 157, 1973).
"""

from collections.abc import Callable

import numpy as np

SIDE = 32
CLASS_NAMES = ("disc", "ring", "half disc", "crescent", "triangle", "square", "star", "cross", "heart", "arrow")

PIXEL = 64
TURN = 480
ONE = 1 << 14
# The cosine and sine of 1/480 of a turn, in units of 2**-60.
_STEP = (1152822731024567845, 15091276220809553)
STROKES = 6
CHUNK = 320  # images drawn at a time, so that what is in work stays in the processor's cache

# Random 64-bit words of an image: its place in the order of labels, parameters, lattices of the texture, speckle.
PARAMETERS = 32 + 8 * STROKES
COARSE, FINE = 5, 9  # lattice points along a side, the last on the far edge
LATTICES = -(-(COARSE**2 + FINE**2) // 8)
WORDS = 1 + PARAMETERS + LATTICES + SIDE**2 // 8


def generate(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``count`` images of ten kinds of shape, their labels and their masks.

    Each run of ten images, counted from the first, holds every class once, in random order. A smaller set is the
    beginning of a larger one with the same seed.

    Args:
        count: The number of images, at least 1.
        seed: A whole number of at least 0.

    Returns:
        Images ``uint8 (count, 32, 32, 3)``, labels ``int64 (count,)``, indices into :data:`CLASS_NAMES`, and masks
        ``bool (count, 32, 32)``, true where the centre of the pixel lies in the shape.
    """
    if count < 1:
        raise ValueError(f"count is {count}; a set has at least one image.")
    classes = len(CLASS_NAMES)
    rounds = -(-count // classes)
    words = np.random.PCG64(seed).random_raw(rounds * classes * WORDS).reshape(-1, WORDS)
    labels = np.argsort(words[:, 0].reshape(rounds, classes), axis=1, kind="stable").reshape(-1)[:count]
    labels = labels.astype(np.int64)
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    masks = np.empty((count, SIDE, SIDE), bool)
    for first in range(0, count, CHUNK):
        part = slice(first, min(first + CHUNK, count))
        images[part], masks[part] = _draw(labels[part], words[part, 1:])
    return images, labels, masks


class _Draws:
    """The random numbers of a batch of images, taken one after the other; each is ``int32 (images, 1, 1)``."""

    def __init__(self, words: np.ndarray) -> None:
        self.words = words[:, :PARAMETERS]
        content = np.ascontiguousarray(words[:, PARAMETERS:], dtype="<u8").view(np.uint8).astype(np.int32)
        self.coarse = content[:, : COARSE**2].reshape(-1, COARSE, COARSE)
        self.fine = content[:, COARSE**2 : COARSE**2 + FINE**2].reshape(-1, FINE, FINE)
        self.speckle = content[:, 8 * LATTICES :].reshape(-1, SIDE, SIDE)
        self.used = 0

    def between(self, least: int | np.ndarray, most: int | np.ndarray) -> np.ndarray:
        """Return a whole number from ``least`` to ``most``, both included, for each image."""
        word = (self.words[:, self.used] >> np.uint64(32)).reshape(-1, 1, 1)
        self.used += 1
        span = np.asarray(most, np.int64) - least + 1
        return (least + ((word * span.astype(np.uint64)) >> np.uint64(32)).astype(np.int64)).astype(np.int32)


def _draw(labels: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and masks of these labels, ``uint8 (n, 32, 32, 3)`` and ``bool (n, 32, 32)``."""
    draws = _Draws(words)
    # Dark on light or light on dark, never near each other; the hues are free.
    dark = draws.between(40, 85)
    light = dark + draws.between(60, 120)
    on_light = draws.between(0, 1) == 1
    ground_level, shape_level = np.where(on_light, light, dark), np.where(on_light, dark, light)

    picture = _ground(draws, ground_level)
    for _ in range(STROKES):
        colour = _colour(draws, draws.between(dark, light), 50)
        picture = _over(picture, colour, _coverage(_stroke(draws)))
    distance, across = _shape(draws, labels)
    # A light that falls from one side.
    shading = (across * draws.between(-20, 20)) >> 10
    picture = _over(picture, _colour(draws, shape_level, 60) + shading[..., np.newaxis], _coverage(distance))
    grain = ((draws.speckle - 128) * draws.between(5, 20)) >> 7
    return np.clip(picture + grain[..., np.newaxis], 0, 255).astype(np.uint8), distance >= 0


def _ground(draws: _Draws, level: np.ndarray) -> np.ndarray:
    """Return a texture of clouds and stripes between two neighbouring colours, ``int32 (n, 32, 32, 3)``."""
    clouds = (2 * _interpolate(draws.coarse) + _interpolate(draws.fine)) // 3
    along, _ = _local(draws, 0, 0)
    period = draws.between(4, 14)
    stripes = 128 + ((_SINE[(along * TURN // (PIXEL * period)) % TURN] * 127) >> 14)
    share = draws.between(0, 160)
    texture = (clouds * (256 - share) + stripes * share) >> 8
    half_contrast = draws.between(6, 24)
    hue = draws.between(0, TURN - 1)
    first = _colour(draws, level - half_contrast, 45, hue)
    second = _colour(draws, level + half_contrast, 45, hue + draws.between(-80, 80))
    return first + (((second - first) * texture[..., np.newaxis]) >> 8)


def _interpolate(lattice: np.ndarray) -> np.ndarray:
    """Return values of ``(n, points, points)`` on a lattice, 0 to 255, interpolated linearly to ``(n, 32, 32)``."""
    cell = SIDE // (lattice.shape[1] - 1)
    weights = np.zeros((SIDE, lattice.shape[1]), np.int32)
    for pixel in range(SIDE):
        point, step = divmod(pixel, cell)
        weights[pixel, point : point + 2] = cell - step, step
    return (weights @ lattice @ weights.T) // cell**2


def _stroke(draws: _Draws) -> np.ndarray:
    """Return the signed distance to a short, thin line somewhere in the picture."""
    centre_x, centre_y = draws.between(0, SIDE * PIXEL), draws.between(0, SIDE * PIXEL)
    u, v = _local(draws, centre_x, centre_y)
    return _box(u, v, draws.between(PIXEL, 4 * PIXEL), draws.between(PIXEL // 3, 3 * PIXEL // 4))


def _shape(draws: _Draws, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the signed distance to each image's own shape, and the coordinate along the shape's first axis."""
    # Shapes that fill their circumscribed circle are drawn smaller, so that the masks are of like areas.
    largest = np.array([_SHAPES[name][1] for name in CLASS_NAMES], np.int32)[labels].reshape(-1, 1, 1)
    radius = draws.between(largest * 9 // 16, largest)
    room = SIDE * PIXEL // 2 - radius - PIXEL // 2
    centre_x = SIDE * PIXEL // 2 + draws.between(-room, room)
    centre_y = SIDE * PIXEL // 2 + draws.between(-room, room)
    u, v = _local(draws, centre_x, centre_y)
    distance = np.empty_like(u)
    for label, name in enumerate(CLASS_NAMES):
        chosen = labels == label
        distance[chosen] = _SHAPES[name][0](u[chosen], v[chosen], radius[chosen])
    return distance, u


def _local(draws: _Draws, centre_x: int | np.ndarray, centre_y: int | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels' coordinates about a centre along two axes turned by a random angle, ``int32 (n, 32, 32)``."""
    angle = draws.between(0, TURN - 1)
    cosine, sine = _SINE[(angle + TURN // 4) % TURN], _SINE[angle]
    pixels = np.arange(SIDE, dtype=np.int32) * PIXEL + PIXEL // 2
    x, y = pixels - centre_x, pixels[:, np.newaxis] - centre_y
    return (x * cosine + y * sine) >> 14, (y * cosine - x * sine) >> 14


def _colour(draws: _Draws, level: np.ndarray, saturation: int, hue: np.ndarray | None = None) -> np.ndarray:
    """Return a colour whose channels' mean is ``level``, ``int32 (n, 1, 1, 3)``; the hue is drawn unless given."""
    hue = draws.between(0, TURN - 1) if hue is None else hue
    strength = draws.between(saturation // 3, saturation)
    thirds = (0, TURN // 3, 2 * TURN // 3)
    return np.stack([level + ((_SINE[(hue + third) % TURN] * strength) >> 14) for third in thirds], axis=-1)


def _coverage(distance: np.ndarray) -> np.ndarray:
    """Return how much of each pixel lies inside, from 0 to 64: a ramp one pixel wide about the edge."""
    return np.clip(distance + PIXEL // 2, 0, PIXEL)[..., np.newaxis]


def _over(picture: np.ndarray, colour: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    return picture + (((colour - picture) * coverage) >> 6)


def _times(fraction: float, length: np.ndarray) -> np.ndarray:
    """Return ``fraction`` of a length; the fraction is rounded to 16384ths first."""
    return (length * round(fraction * ONE)) >> 14


def _box(u: np.ndarray, v: np.ndarray, half_length: np.ndarray, half_width: np.ndarray) -> np.ndarray:
    return np.minimum(half_length - np.abs(u), half_width - np.abs(v))


def _circle(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    # (r² − ρ²) / 2r is r − ρ to first order at the edge, where it matters, and takes no square root.
    return (radius * radius - u * u - v * v) // (2 * radius)


def _half_planes(u: np.ndarray, v: np.ndarray, inner: np.ndarray, sides: int) -> list[np.ndarray]:
    """Return the distances to the sides of a regular polygon with the inscribed radius ``inner``."""
    angles = [side * TURN // sides for side in range(sides)]
    return [inner - ((u * _SINE[(angle + TURN // 4) % TURN] + v * _SINE[angle]) >> 14) for angle in angles]


def _disc(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return _circle(u, v, radius)


def _ring(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return np.minimum(_circle(u, v, radius), -_circle(u, v, _times(0.55, radius)))


def _half_disc(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    u = u + _times(0.4, radius)
    return np.minimum(_circle(u, v, _times(0.92, radius)), u)


def _crescent(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return np.minimum(_circle(u, v, radius), -_circle(u - _times(0.48, radius), v, _times(0.8, radius)))


def _triangle(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return np.minimum.reduce(_half_planes(u, v, radius // 2, 3))


def _square(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    half_side = _times(0.7071, radius)
    return _box(u, v, half_side, half_side)


def _star(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    # A point lies in a pentagram when it is outside at most one of the five lines: the second smallest distance.
    return np.partition(_half_planes(u, v, _times(0.309, radius), 5), 1, axis=0)[1]


def _cross(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    length, width = _times(0.95, radius), _times(0.3, radius)
    return np.maximum(_box(u, v, length, width), _box(u, v, width, length))


def _heart(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    # A square standing on its corner with half a disc on each of the two upper sides.
    half_side = _times(0.55, radius)
    u, v = u + half_side // 4, v + half_side // 4
    lobes = np.maximum(_circle(u - half_side, v, half_side), _circle(u, v - half_side, half_side))
    return np.maximum(_box(u, v, half_side, half_side), lobes)


def _arrow(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    # The head's edges run from (1, 0) to (0, ±0.8) in units of the radius; (0.6247, 0.7809) is their normal.
    head = np.minimum(u, _times(0.6247, radius - u) - _times(0.7809, np.abs(v)))
    shaft = _box(u + _times(0.4, radius), v, _times(0.55, radius), _times(0.26, radius))
    return np.maximum(head, shaft)


def _sine_table() -> np.ndarray:
    """Return the sines of all 480 angles in 16384ths, by turning a unit vector step by step in 60-bit fractions."""
    x, y = 1 << 60, 0
    sines = []
    for _ in range(TURN):
        sines.append((y + (1 << 45)) >> 46)
        x, y = (x * _STEP[0] - y * _STEP[1]) >> 60, (x * _STEP[1] + y * _STEP[0]) >> 60
    return np.array(sines, np.int32)


_SINE = _sine_table()
# The signed distance of each shape, and the largest radius of its circumscribed circle.
_SHAPES: dict[str, tuple[Callable, int]] = {
    "disc": (_disc, 10 * PIXEL),
    "ring": (_ring, 11 * PIXEL),
    "half disc": (_half_disc, 13 * PIXEL),
    "crescent": (_crescent, 12 * PIXEL),
    "triangle": (_triangle, 14 * PIXEL),
    "square": (_square, 12 * PIXEL),
    "star": (_star, 14 * PIXEL),
    "cross": (_cross, 12 * PIXEL),
    "heart": (_heart, 12 * PIXEL),
    "arrow": (_arrow, 13 * PIXEL),
}
