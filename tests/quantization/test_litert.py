"""LiteRT files: each kind is what its name says, answers as Keras does, and hides its integers."""

import keras
import numpy as np
import pytest

from cnn_course import datasets, lesson, models, training
from cnn_course.quantization import KINDS, LiteRTClassifier, convert, convert_all, latencies


@pytest.fixture(scope="module")
def shapes():
    return datasets.load("shapes10", size=600)


@pytest.fixture(scope="module")
def network(shapes):
    lesson.seed_everything(0)
    model = models.resnet8((32, 32, 3), 10)
    model.compile(keras.optimizers.Adam(3e-3), training.SmoothedCrossentropy(0.0), jit_compile=False)
    model.fit(shapes.images, shapes.labels, batch_size=30, epochs=6, verbose=0)
    return model


@pytest.fixture(scope="module")
def files(network, shapes):
    return convert_all(network, representative=shapes.images[:100])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_answers_as_the_network_does(files, network, shapes, kind):
    images = shapes.images[:200]
    expected = network.predict(images, verbose=0)
    found = LiteRTClassifier(files[kind]).predict(images)
    assert found.dtype == np.float32
    agreement = (found.argmax(axis=1) == expected.argmax(axis=1)).mean()
    assert agreement >= {"float32": 1.0, "float16": 0.99, "dynamic": 0.95, "int8": 0.93}[kind]
    if kind == "float32":
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_int8_is_whole_numbers_from_end_to_end(files):
    assert LiteRTClassifier(files["int8"]).dtypes == (np.int8, np.int8)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=files["int8"])
    interpreter.allocate_tensors()
    kinds = {np.dtype(tensor["dtype"]).name for tensor in interpreter.get_tensor_details()}
    assert "int8" in kinds
    assert not {"float32", "float16"} & kinds


def test_sizes_fall_as_the_bits_do(files):
    size = {kind: len(content) for kind, content in files.items()}
    assert size["float16"] < 0.65 * size["float32"]
    assert size["int8"] < 0.5 * size["float32"]
    assert size["dynamic"] < 0.5 * size["float32"]


def test_the_last_batch_may_be_smaller_and_the_threads_do_not_matter(files, shapes):
    images = shapes.images[:37]
    whole = LiteRTClassifier(files["int8"]).predict(images, batch_size=37)
    np.testing.assert_array_equal(LiteRTClassifier(files["int8"], threads=2).predict(images, batch_size=8), whole)
    assert LiteRTClassifier(files["int8"]).predict(images[:0]).shape == (0, 10)


def test_a_file_on_disk_is_taken_by_its_path(files, shapes, tmp_path):
    (tmp_path / "network.tflite").write_bytes(files["float32"])
    found = LiteRTClassifier(tmp_path / "network.tflite").predict(shapes.images[:3])
    np.testing.assert_array_equal(found, LiteRTClassifier(files["float32"]).predict(shapes.images[:3]))


def test_int8_without_representative_images_and_unknown_kinds_are_refused(network):
    with pytest.raises(ValueError, match="representative images"):
        convert(network, "int8")
    with pytest.raises(ValueError, match="float32, dynamic, float16, int8"):
        convert(network, "int4")


def test_images_of_another_shape_are_refused_in_plain_words(files, shapes):
    with pytest.raises(ValueError, match=r"takes \(n, 32, 32, 3\)"):
        LiteRTClassifier(files["int8"]).predict(shapes.images[:2, :16])


def test_one_kind_at_a_time_gives_the_same_file(files, network, shapes):
    images = shapes.images[:50]
    for kind in ("float32", "int8"):
        alone = LiteRTClassifier(convert(network, kind, representative=shapes.images[:100])).predict(images)
        np.testing.assert_array_equal(alone, LiteRTClassifier(files[kind]).predict(images))


def test_converting_prints_nothing(network, capfd):
    convert(network, "float16")
    caught = capfd.readouterr()
    assert caught.out == ""
    assert caught.err == ""


def test_latencies_times_each_call_after_the_warm_up():
    calls = []
    seconds = latencies(lambda: calls.append(1), repeats=7, warmup=3)
    assert seconds.shape == (7,)
    assert np.all(seconds > 0)
    assert len(calls) == 10
