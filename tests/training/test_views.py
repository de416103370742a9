"""Views of an image against their description."""

import keras
import numpy as np
import pytest

from cnn_course import datasets, training


class Brightness(keras.Model):
    """Two "logits": the brightness of the left upper quarter, and of the right one."""

    def call(self, images):
        images = keras.ops.cast(images, "float32")
        quarters = images[:, :3, :3], images[:, :3, 3:]
        return keras.ops.stack([keras.ops.mean(quarter, axis=(1, 2, 3)) for quarter in quarters], axis=1)


def test_views_are_averaged_as_their_description_says():
    images = np.random.default_rng(0).integers(0, 256, (7, 6, 6, 1)).astype("uint8")
    model = Brightness()

    def of(some):
        return np.stack([some[:, :3, :3].mean((1, 2, 3)), some[:, :3, 3:].mean((1, 2, 3))], axis=1)

    both = (of(images) + of(images[:, :, ::-1])) / 2
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    moved = [(of(part) + of(part[:, :, ::-1])) / 2 for part in (padded[:, :6, :6], padded[:, 2:, 2:])]
    for views, expected in {1: of(images), 2: both, 6: (both + (moved[0] + moved[1]) / 2) / 2}.items():
        result = training.predict_with_views(model, images, views=views, batch_size=3)
        np.testing.assert_allclose(result, expected, rtol=1e-4)
        labels = expected.argmax(axis=1)
        labels[:2] = 1 - labels[:2]  # two of the seven are wrong
        data = datasets.Dataset("some", images, labels, ("left", "right"), "drawn")
        assert training.accuracy_by_views(model, data, (views,)) == {views: pytest.approx(5 / 7)}
    with pytest.raises(ValueError, match="1, 2 or 6"):
        training.predict_with_views(model, images, views=3)
