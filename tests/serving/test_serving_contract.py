"""Addresses and answers of TensorFlow Serving's REST contract, by the examples of its documentation."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cnn_course.serving import contract
from cnn_course.serving.contract import Signature, Target, TensorInfo
from cnn_course.serving.errors import RequestError


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("GET", "/v1/models/half", Target("status", "half")),
        ("GET", "/v1/models/half/versions/12", Target("status", "half", 12)),
        ("GET", "/v1/models/half/metadata", Target("metadata", "half")),
        ("GET", "/v1/models/half/versions/3/metadata", Target("metadata", "half", 3)),
        ("POST", "/v1/models/half:predict", Target("predict", "half")),
        ("POST", "/v1/models/half/versions/00000123:predict", Target("predict", "half", 123)),
    ],
)
def test_addresses(method, path, target):
    assert contract.route(method, path) == target


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("GET", "/v1/models/half:predict", "Malformed request: GET /v1/models/half:predict"),
        ("POST", "/v1/models/half", "Malformed request: POST"),
        ("GET", "/v2/models/half", "Malformed request"),
        ("GET", "/v1/models/", "Malformed request"),
        ("DELETE", "/v1/models/half", "Malformed request"),
        ("POST", "/v1/models/half/versions/x:predict", "Malformed request"),
        ("POST", "/v1/models/half/versions/9999999999999999999:predict", "Failed to convert version"),
        ("GET", "/v1/models/half/labels/stable", "Unrecognized servable version label: stable"),
        ("POST", "/v1/models/half:classify", "no signature for 'classify'"),
    ],
)
def test_other_addresses_are_refused(method, path, reason):
    with pytest.raises(RequestError, match=r".") as refused:
        contract.route(method, path)
    assert refused.value.status == 400
    assert reason in refused.value.reason


def test_one_output_stands_without_its_name():
    outputs = {"y": np.array([3.5, 4.0, 5.5], "float32")}
    assert json.loads(contract.answer(outputs, by_row=True)) == {"predictions": [3.5, 4.0, 5.5]}
    assert json.loads(contract.answer(outputs, by_row=False)) == {"outputs": [3.5, 4.0, 5.5]}


def test_several_outputs_are_objects_and_bytes_are_text_or_base64():
    outputs = {"label": np.array([b"cat", "é".encode()], object), "raw_bytes": np.array([b"\xff", b""], object)}
    assert json.loads(contract.answer(outputs, by_row=True)) == {
        "predictions": [{"label": "cat", "raw_bytes": {"b64": "/w=="}}, {"label": "é", "raw_bytes": {"b64": ""}}]
    }
    assert json.loads(contract.answer(outputs, by_row=False)) == {
        "outputs": {"label": ["cat", "é"], "raw_bytes": [{"b64": "/w=="}, {"b64": ""}]}
    }


@given(hnp.arrays("float32", hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(width=32, allow_nan=False)))
def test_numbers_come_back_as_they_were(values):
    found = json.loads(contract.answer({"y": values}, by_row=True))["predictions"]
    assert np.array_equal(np.array(found, "float32"), values)


def test_a_number_is_written_in_its_shortest_form():
    assert contract.answer({"y": np.array([0.2], "float32")}, by_row=True) == b'{"predictions": [0.2]}'


@pytest.mark.parametrize("other", [np.zeros(3), np.float32(1)])
def test_outputs_without_a_row_for_each_instance_are_for_columns_only(other):
    outputs = {"y": np.zeros(2), "z": np.asarray(other)}
    with pytest.raises(RequestError, match="ask by column"):
        contract.answer(outputs, by_row=True)
    assert "outputs" in json.loads(contract.answer(outputs, by_row=False))


def test_the_status_has_the_documented_form():
    states = [(124, "LOADING", "OK", ""), (123, "AVAILABLE", "OK", "")]
    version = {"version": "123", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert json.loads(contract.status(states))["model_version_status"][1] == version


def test_the_metadata_tells_open_sides_as_minus_one_and_open_ranks_as_such():
    inputs = {"images": TensorInfo("uint8", (None, 32, 32, 3), "serving_default_images:0")}
    signature = Signature(inputs, {"y": TensorInfo("string", None)})
    found = json.loads(contract.metadata("half", 3, {"serving_default": signature}))
    assert found["model_spec"] == {"name": "half", "signature_name": "", "version": "3"}
    described = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert described["method_name"] == "tensorflow/serving/predict"
    assert described["inputs"]["images"] == {
        "dtype": "DT_UINT8",
        "tensor_shape": {"dim": [{"size": s, "name": ""} for s in ("-1", "32", "32", "3")], "unknown_rank": False},
        "name": "serving_default_images:0",
    }
    assert described["outputs"]["y"]["tensor_shape"] == {"dim": [], "unknown_rank": True}


@pytest.mark.parametrize(
    ("shape", "joins"), [((None, 3), True), ((None,), True), ((), False), ((2, None), False), (None, False)]
)
def test_only_an_open_first_side_can_be_joined(shape, joins):
    signature = Signature({"x": TensorInfo("float32", (None,))}, {"y": TensorInfo("float32", shape)})
    assert signature.takes_batches is joins
