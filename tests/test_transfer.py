"""Borrowed networks: preprocessing travels with them, features come back from the cache, batch norm stays as it was."""

import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_course import datasets, lesson, models, transfer


@pytest.fixture(scope="module")
def shapes():
    return datasets.load("shapes10", size=60)


@pytest.fixture(scope="module")
def small():
    return transfer.backbone(image_size=64)


def test_all_networks_of_keras_are_known_and_others_are_refused():
    first, *others = transfer.backbone_names()
    assert first == "efficientnet_lite0"
    assert set(others) == {name for name in dir(keras.applications) if name[0].isupper()}
    assert {"VGG16", "InceptionV3", "MobileNetV3Small", "EfficientNetB0", "ResNet50", "ConvNeXtTiny"} <= set(others)
    with pytest.raises(ValueError, match=r"no backbone 'vgg17'.*VGG16"):
        transfer.backbone("vgg17")
    with pytest.raises(ValueError, match="'imagenet' or 'random'"):
        transfer.backbone(weights="none")


@pytest.mark.parametrize(("name", "module"), [("vgg16", "vgg16"), ("MobileNetV2", "mobilenet_v2")])
def test_a_network_of_keras_brings_its_own_preprocessing(name, module):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("float32")
    ours = transfer.backbone(name, image_size=64, weights="random").model
    bare = getattr(keras.applications, transfer.backbone(name, image_size=64, weights="random").name)(
        include_top=False, weights=None, input_shape=(64, 64, 3)
    )
    bare.set_weights(ours.get_weights())
    theirs = bare(getattr(keras.applications, module).preprocess_input(pixels.copy()))
    size = np.abs(theirs).max()  # small, with random weights
    np.testing.assert_allclose(ours(pixels), theirs, atol=1e-4 * size)
    assert not np.allclose(ours(pixels), bare(pixels), atol=0.1 * size)


def test_too_small_an_image_is_refused_in_plain_words():
    with pytest.raises(ValueError, match="at least 75x75"):
        transfer.backbone("InceptionV3", image_size=32, weights="random")
    with pytest.raises(ValueError, match="at least 75x75"):
        transfer.backbone("InceptionV3", image_size=32)


def test_a_small_mobile_network_of_keras_can_be_had():
    model = transfer.backbone("MobileNetV3Small", image_size=64, weights="random").model
    assert model.output_shape == (None, 2, 2, 576)


def test_a_failed_download_names_the_network_that_needs_none(tmp_path):
    program = "from cnn_course import transfer; transfer.backbone('MobileNetV2', image_size=96)"
    nowhere = {"KERAS_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9"}
    ended = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **nowhere}, capture_output=True, text=True, check=False
    )
    last = ended.stderr.strip().splitlines()[-1]
    assert ended.returncode == 1
    assert "WeightsUnavailable: The ImageNet weights of MobileNetV2 are not on this machine" in last
    assert "efficientnet_lite0" in last


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("Incomplete or corrupted file detected. The hash does not match."), "Incomplete or corrupted file"),
        (OSError(), "OSError"),
    ],
)
def test_a_broken_download_names_it_too(monkeypatch, error, reason):
    def broken(*arguments, **keywords):
        raise error

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", broken)
    with pytest.raises(models.WeightsUnavailable, match=rf"weights of MobileNetV2.*{reason}.*'efficientnet_lite0'"):
        transfer.backbone("MobileNetV2", image_size=96)


def test_features_are_the_means_of_the_maps_of_resized_images(small, shapes, tmp_path):
    found = transfer.features(small, shapes, batch_size=25, folder=tmp_path, progress=False)
    large = tf.image.resize(shapes.images.astype("float32"), (64, 64), antialias=True)
    assert found.shape == (60, 1280)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, small.model.predict(large, verbose=0).mean(axis=(1, 2)), rtol=2e-3, atol=2e-3)


def test_all_features_of_a_network_come_from_one_compiled_model(small):
    assert small.pooled is small.pooled
    assert small.pooled.output_shape == (None, 1280)


def test_features_come_from_the_cache_by_network_size_weights_and_data(small, shapes, tmp_path):
    first = transfer.features(small, shapes, folder=tmp_path, progress=False)
    (file,) = tmp_path.iterdir()
    np.save(file, first + 1)  # only the cache can give this
    np.testing.assert_array_equal(transfer.features(small, shapes, folder=tmp_path, progress=False), first + 1)
    transfer.features(transfer.backbone(image_size=64, weights="random"), shapes, folder=tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == [file]  # random weights leave nothing
    transfer.features(small, shapes.take(slice(0, 10)), folder=tmp_path, progress=False)
    transfer.features(transfer.backbone(image_size=32), shapes, folder=tmp_path, progress=False)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_body_that_was_tuned_has_features_of_its_own(shapes, tmp_path):
    tuned = transfer.backbone(image_size=32)
    first = transfer.features(tuned, shapes, folder=tmp_path, progress=False)
    tuned.model.set_weights([0.9 * value for value in tuned.model.get_weights()])
    of_tuned = transfer.features(tuned, shapes, folder=tmp_path, progress=False)
    assert not np.array_equal(of_tuned, first)
    fresh = transfer.backbone(image_size=32)
    np.testing.assert_array_equal(transfer.features(fresh, shapes, folder=tmp_path, progress=False), first)


@pytest.mark.parametrize("name", ["EfficientNetB0", "MobileNetV2"])
def test_all_of_an_unfrozen_body_learns_but_its_normalisations(name):
    model = transfer.classifier(transfer.backbone(name, image_size=64, weights="random"), keras.layers.Dense(3))
    transfer.unfreeze(model)
    fixed = (keras.layers.BatchNormalization, keras.layers.Normalization)  # the latter are the pixels' own constants
    expected = {id(weight) for layer in model.layers if not isinstance(layer, fixed) for weight in layer.weights}
    assert {id(weight) for weight in model.trainable_weights} == expected


def test_a_broken_cache_is_computed_anew(small, shapes, tmp_path):
    first = transfer.features(small, shapes, folder=tmp_path, progress=False)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:500])
    np.testing.assert_array_equal(transfer.features(small, shapes, folder=tmp_path, progress=False), first)
    np.testing.assert_array_equal(np.load(file), first)


def test_an_interrupted_computation_leaves_nothing(shapes, tmp_path):
    class Interrupted(keras.layers.Layer):
        def call(self, x):
            raise KeyboardInterrupt

        def compute_output_shape(self, shape):
            return shape

    inputs = keras.Input((64, 64, 3))
    stopped = transfer.Backbone("efficientnet_lite0", 64, "imagenet", keras.Model(inputs, Interrupted()(inputs)))
    with pytest.raises(KeyboardInterrupt):
        transfer.features(stopped, shapes, folder=tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_grey_images_have_three_equal_channels(small, tmp_path):
    digits = datasets.load("mnist5k").take(slice(0, 3))
    colour = replace(digits, images=np.repeat(digits.images, 3, axis=-1))
    grey, coloured = (transfer.features(small, each, folder=tmp_path, progress=False) for each in (digits, colour))
    np.testing.assert_allclose(grey, coloured, rtol=2e-3, atol=2e-3)


def blobs(seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, 600)
    return (random.normal(size=(600, 12)) + 3 * np.eye(12)[labels]).astype("float16"), labels


def test_a_head_learns_what_the_features_tell():
    values, labels = blobs()
    top = transfer.head(values[:400], labels[:400], 4)
    right = (np.asarray(top(values[400:].astype("float32"))).argmax(axis=1) == labels[400:]).mean()
    assert right > 0.9
    wrong = transfer.head(values[:400], np.random.default_rng(1).permutation(labels[:400]), 4)
    assert (np.asarray(wrong(values[400:].astype("float32"))).argmax(axis=1) == labels[400:]).mean() < 0.5


def test_a_head_ends_in_the_valley_of_logistic_regression():
    values, labels = blobs()
    top = transfer.head(values, labels, 4)
    with tf.GradientTape() as tape:
        logits = top(values.astype("float32"))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    slope = max(float(tf.reduce_max(tf.abs(each))) for each in tape.gradient(loss, top.trainable_weights))
    assert float(loss) < 0.3
    assert slope < 5e-3  # a hundredth of the slope at zero


def test_a_head_gives_no_weight_to_a_feature_that_no_training_image_has():
    values, labels = blobs()
    kernel = np.asarray(transfer.head(np.concatenate([values, np.zeros_like(values)], axis=1), labels, 4).kernel)
    assert not kernel[12:].any()
    assert kernel[:12].any(axis=1).all()


def test_the_weights_of_a_head_are_sums_of_training_features():
    values, labels = (part[:8] for part in blobs())  # 8 images, 12 features: 4 directions without any image
    kernel = np.asarray(transfer.head(values, labels, 4).kernel)
    images = np.linalg.svd(values.astype("float64"))[2][:8]
    np.testing.assert_allclose(images.T @ (images @ kernel), kernel, atol=1e-4 * np.abs(kernel).max())
    assert np.abs(kernel).max() > 0.1


@pytest.mark.parametrize("unit", [1e-3, 1, 100])
def test_a_head_learns_from_features_in_any_unit(unit):
    values, labels = (part[:100] for part in blobs())
    values = unit * values.astype("float32")
    answers = np.asarray(transfer.head(values, labels, 4)(values)).argmax(axis=1)
    assert (answers == labels).mean() > 0.9


def test_a_classifier_is_backbone_mean_and_head_and_only_its_head_learns(shapes, tmp_path):
    backbone = transfer.backbone(image_size=64)
    top = keras.layers.Dense(10)
    model = transfer.classifier(backbone, top)
    assert model.trainable_weights == [*top.trainable_weights]
    found = transfer.features(backbone, shapes, folder=tmp_path, progress=False).astype("float32")
    large = tf.image.resize(shapes.images.astype("float32"), (64, 64), antialias=True)
    np.testing.assert_allclose(model.predict(large, verbose=0), top(found), atol=5e-3)
    expected = (np.asarray(top(found)).argmax(axis=1) == shapes.labels).mean()
    assert transfer.accuracy(model, shapes) == pytest.approx(expected, abs=1 / 60)


def test_fine_tuning_moves_all_but_the_running_averages_and_lowers_the_loss(shapes):
    lesson.seed_everything(0)
    model = transfer.classifier(transfer.backbone(image_size=64), keras.layers.Dense(10))
    transfer.unfreeze(model)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [np.array(weights) for layer in norms for weights in layer.weights]
    kernels = [layer.kernel for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    old = [np.array(kernel) for kernel in kernels]
    history = transfer.fine_tune(model, shapes, epochs=4, batch_size=20, rate=1e-3)
    assert history["loss"][-1] < history["loss"][0] - 0.3
    assert all(not np.array_equal(kernel, then) for kernel, then in zip(kernels, old, strict=True))
    after = [np.array(weights) for layer in norms for weights in layer.weights]
    assert all(np.array_equal(now, then) for now, then in zip(after, before, strict=True))


def test_a_batch_larger_than_the_set_is_refused(shapes, small):
    model = transfer.classifier(small, keras.layers.Dense(10))
    with pytest.raises(ValueError, match="larger than the set of 60"):
        transfer.fine_tune(model, shapes, batch_size=61)
