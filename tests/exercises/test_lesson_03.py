"""The checkers of lesson 03 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"), [(4212, "leaves out"), (352, "one epoch"), (4219, "next epoch"), (12, "not the number")]
)
def test_steps_of_a_schedule(answer, reason):
    assert verdict("03.1", 4224)[0] is True
    assert reason in refused("03.1", answer)


def schedule(start=0.0, end=0.0, warm_share=0.1, shape=np.cos):
    def rate(step, steps, peak):
        warm = warm_share * steps
        u = (step - warm) / (steps - warm)
        falling = end + (peak - end) * 0.5 * (1 + shape(np.pi * u))
        return np.where(step < warm, start + (peak - start) * step / warm, falling)

    return rate


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (schedule(start=0.1), "The rise is wrong"),
        (schedule(warm_share=0.25), "The rise is wrong"),
        (schedule(end=0.1), "should end at 0"),
        (schedule(shape=lambda x: 1 - 2 * (x / np.pi) ** 2), "should be half of the peak"),
        (schedule(shape=lambda x: 1 - 2 * x / np.pi), "not a cosine"),
        (lambda step, steps, peak: peak, "array of shape ()"),
    ],
)
def test_warm_up_and_cosine(answer, reason):
    assert verdict("03.2", schedule())[0] is True
    assert reason in refused("03.2", answer)


def cutout_in_a_loop(images, size, rng, *, copy=True, value=0, channels=3, reach=1, same=False, clipped=0):
    result = images.copy() if copy else images
    _, height, width, _ = images.shape
    place = None
    for image in result:
        if place is None or not same:
            place = rng.integers(0, height - size + reach), rng.integers(0, width - size + reach)
        image[place[0] : place[0] + size, place[1] : place[1] + size - clipped, :channels] = value
    return result


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"copy": False}, "changed the batch"),
        ({"channels": 1}, "all channels"),
        ({"value": 128}, "all channels"),
        ({"reach": 3}, "wholly inside"),
        ({"clipped": 1}, "wholly inside"),
        ({"same": True}, "same place"),
        ({"reach": 0}, "every border"),
    ],
)
def test_cutout_of_a_batch(changes, reason):
    assert verdict("03.3", cutout_in_a_loop)[0] is True
    assert reason in refused("03.3", lambda images, size, rng: cutout_in_a_loop(images, size, rng, **changes))


def test_cutout_must_draw_from_the_generator_and_keep_the_shape():
    own = np.random.default_rng(5)
    assert "only from rng" in verdict("03.3", lambda images, size, rng: cutout_in_a_loop(images, size, own))[1]
    assert "It returned" in verdict("03.3", lambda images, size, rng: images[:1])[1]

    def scattered(images, size, rng):
        result = images.copy()
        result.reshape(len(images), -1, 3)[:, : 2 * size**2 : 2] = 0
        return result

    assert "one square" in verdict("03.3", scattered)[1]
