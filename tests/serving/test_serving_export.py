"""A network becomes a program that answers as the network, whole or not at all."""

import io
import os
import re
import shlex

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from PIL import Image

from cnn_course import quantization, serving

NAMES = ["cat", "dog", "é"]


def as_file(image, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def test_files_give_the_answers_of_their_pixels_and_the_name_of_the_class(exported, images, expected):
    files = np.array([as_file(image) for image in images], object)
    found = serving.Version(exported).execute("files", {"image_bytes": files})
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)
    assert [label.decode() for label in found["label"]] == [NAMES[k] for k in expected.argmax(axis=1)]
    assert serving.class_names(exported) == NAMES


def test_a_file_of_another_size_is_averaged_and_one_of_another_kind_is_decoded(images):
    prepare = serving.preparation((8, 6, 3))
    larger = np.repeat(np.repeat(images[0], 4, axis=0), 4, axis=1)
    smooth = prepare(as_file(larger)).numpy()
    assert smooth.shape == (8, 6, 3)
    # Whole blocks of one colour: the averages near a block's middle are the block's colour, and the mean stays.
    assert abs(smooth.mean() - images[0].mean()) < 2
    assert np.corrcoef(smooth.ravel(), images[0].ravel())[0, 1] > 0.9
    grey = Image.fromarray(images[0]).convert("L")
    file = io.BytesIO()
    grey.save(file, "JPEG", quality=100)
    assert np.ptp(prepare(file.getvalue()).numpy(), axis=2).max() == 0


def test_probabilities_are_not_made_of_probabilities(network, images, expected, tmp_path):
    with_softmax = keras.Model(network.input, keras.layers.Softmax()(network.output))
    place = serving.export(with_softmax, tmp_path / "m", class_names=NAMES)
    found = serving.Version(place).execute("serving_default", {"images": images})["probabilities"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_versions_are_numbered_on_and_none_is_replaced(network, tmp_path):
    folder = tmp_path / "m"
    assert serving.export(network, folder, class_names=NAMES, version=7).name == "7"
    assert serving.export(network, folder, class_names=NAMES).name == "8"
    with pytest.raises(serving.ServingError, match="has a version 7 already"):
        serving.export(network, folder, class_names=NAMES, version=7)
    assert sorted(os.listdir(folder)) == ["7", "8"]


def test_an_export_that_fails_leaves_nothing(network, tmp_path, monkeypatch):
    def broken(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(quantization, "convert", broken)
    with pytest.raises(serving.ServingError, match=r"cannot be written .* No space left"):
        serving.export(network, tmp_path / "m", class_names=NAMES, litert="float32")
    assert list((tmp_path / "m").iterdir()) == []


def test_a_litert_file_comes_along_under_the_same_number(network, images, expected, tmp_path):
    place = serving.export(network, tmp_path / "m", class_names=NAMES, litert="float32")
    classifier = quantization.LiteRTClassifier(place / "model.tflite")
    assert (classifier.predict(images).argmax(axis=1) == expected.argmax(axis=1)).all()


@pytest.mark.parametrize(
    ("layers", "arguments", "reason"),
    [
        (3, {"class_names": ["a", "b"]}, "2 class names"),
        (3, {"class_names": NAMES, "image_shape": (9, 6, 3)}, "takes images of the shape"),
        (None, {"class_names": NAMES}, "takes images of the shape"),
        (0, {"class_names": NAMES}, "no images"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(layers, arguments, reason, tmp_path, network):
    if layers is None:  # height and width are open
        inputs = keras.Input((None, None, 3))
        network = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(inputs)))
    elif layers == 0:
        inputs = keras.Input((5,))
        network = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    with pytest.raises(serving.ServingError, match=reason):
        serving.export(network, tmp_path / "m", **arguments)
    assert not (tmp_path / "m").exists()


def test_a_version_without_names_of_classes_says_so(tmp_path):
    with pytest.raises(serving.ServingError, match="export the network anew"):
        serving.class_names(tmp_path)


def test_the_container_gets_the_folder_read_only_under_the_name_of_the_model():
    words = shlex.split(serving.container_command("my models/shapes", port=9000).replace("\\\n", ""))
    assert words[:2] == ["docker", "run"]
    assert words[words.index("-p") + 1] == "127.0.0.1:9000:8501"
    assert words[words.index("-v") + 1] == "$PWD/my models/shapes:/models/shapes:ro"
    assert words[words.index("-e") + 1] == "MODEL_NAME=shapes"
    assert words[-1] == f"tensorflow/serving:{tf.__version__}"
    assert serving.container_command("m", version="2.19.1").endswith(" tensorflow/serving:2.19.1")
    assert "-v /srv/m:/models/m:ro" in serving.container_command("/srv/m/")


def test_the_manifest_is_kserves_with_a_name_that_kubernetes_takes():
    manifest = yaml.safe_load(serving.kserve_manifest("My_shapes: 10", "s3://b/models/shapes"))
    assert (manifest["apiVersion"], manifest["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert manifest["metadata"]["name"] == "my-shapes-10"
    for name in ("3 shapes", "花", f"a{'-' * 80}b", "-a-"):
        found = yaml.safe_load(serving.kserve_manifest(name, "s3://b/m"))["metadata"]["name"]
        assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", found)
    served = manifest["spec"]["predictor"]["model"]
    assert served == {
        "modelFormat": {"name": "tensorflow"},
        "runtimeVersion": tf.__version__,
        "storageUri": "s3://b/models/shapes",
    }
    older = yaml.safe_load(serving.kserve_manifest("m", "s3://b/m", version="2.10"))
    assert older["spec"]["predictor"]["model"]["runtimeVersion"] == "2.10"  # and not the number 2.1
