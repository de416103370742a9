"""Bodies of predictions: what is right becomes the tensors that were meant, everything else a reason."""

import base64
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from cnn_course.serving.contract import Limits, Signature, TensorInfo
from cnn_course.serving.errors import RequestError
from cnn_course.serving.parsing import PredictRequest, parse

LIMITS = Limits(rows=8, pixels=1000)


def signatures(**inputs):
    return {"serving_default": Signature({k: TensorInfo(*info) for k, info in inputs.items()}, {})}


# The example of TensorFlow Serving's documentation, by row and by column.
NAMED = signatures(tag=("string", (None,)), signal=("int64", (None, 5)), sensor=("float32", (None, 2, 2)))
ROWS = [
    {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
    {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
]
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}


def read(content, known=NAMED, limits=LIMITS):
    return parse(content if isinstance(content, bytes) else json.dumps(content).encode(), known, limits)


def reason(content, known=NAMED, limits=LIMITS):
    with pytest.raises(RequestError) as refused:
        read(content, known, limits)
    assert 400 <= refused.value.status < 500
    return refused.value.reason


def test_rows_and_columns_give_the_same_tensors():
    by_row, by_column = read({"instances": ROWS}), read({"inputs": COLUMNS})
    assert (by_row.by_row, by_column.by_row) == (True, False)
    for name, values in by_row.tensors.items():
        assert values.tolist() == by_column.tensors[name].tolist()
        assert values.dtype == by_column.tensors[name].dtype
    assert by_row.tensors["tag"].tolist() == [b"foo", b"bar"]
    assert by_row.tensors["signal"].dtype == np.int64
    assert by_row.tensors["sensor"].shape == (2, 2, 2)


DTYPES = ("float32", "float64", "uint8", "int8", "int32", "int64", "uint64", "bool")


@given(st.data(), st.sampled_from(DTYPES))
def test_what_was_sent_is_what_is_read(data, dtype):
    finite = {"allow_nan": False, "allow_infinity": False} if dtype.startswith("float") else {}
    shapes = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)
    values = data.draw(hnp.arrays(dtype, shapes, elements=hnp.from_dtype(np.dtype(dtype), **finite)))
    known = signatures(x=(dtype, (None, *values.shape[1:])))
    for content in ({"instances": values.tolist()}, {"inputs": values.tolist()}, {"inputs": {"x": values.tolist()}}):
        found = read(content, known).tensors["x"]
        assert found.dtype == values.dtype
        assert np.array_equal(found, values)


NUMBERS = signatures(x=("float32", (None, 2)))
BYTES = signatures(x=("uint8", (None,)))
TEXTS = signatures(x=("string", (None,)))


@pytest.mark.parametrize(
    ("content", "known", "wanted"),
    [
        (b"", NUMBERS, "The document is empty"),
        (b"{", NUMBERS, "JSON Parse error"),
        (b"\xff", NUMBERS, "JSON Parse error"),
        (b"[" * 100_000, NUMBERS, "nested too deeply"),
        (b'{"instances": ' + b"9" * 5000 + b"}", NUMBERS, "JSON Parse error"),
        ([1], NUMBERS, "Is not object"),
        ({}, NUMBERS, "Missing 'inputs' or 'instances' key"),
        ({"inputs": [], "instances": []}, NUMBERS, "only one of"),
        ({"instances": 5}, NUMBERS, "to be a list/array"),
        ({"instances": []}, NUMBERS, "No values in 'instances' array"),
        ({"inputs": []}, NUMBERS, "has the shape [0]"),
        ({"inputs": []}, TEXTS, "has no values"),
        ({"instances": [[1, 2]], "signature_name": 3}, NUMBERS, "must be a string"),
        ({"instances": [[1, 2]], "signature_name": "x"}, NUMBERS, 'name: "x" not found in signature def'),
        ({"instances": [1, 2]}, NUMBERS, "has the shape [2]; the signature takes [-1,2]"),
        ({"instances": [[1, 2, 3]]}, NUMBERS, "has the shape [1,3]"),
        ({"instances": [[1, 2], [3]]}, NUMBERS, "is ragged"),
        ({"instances": [[1, 2], 3]}, NUMBERS, "is ragged"),
        ({"instances": [[1, "2"]]}, NUMBERS, 'JSON Value: "2" Type: String is not of expected type: float32'),
        ({"instances": [[1, None]]}, NUMBERS, "Type: Null"),
        ({"instances": [[1, True]]}, NUMBERS, "Type: Bool"),
        ({"instances": [[1, {}]]}, NUMBERS, "Type: Object"),
        (b'{"instances": [[1, NaN]]}', NUMBERS, "NaN is not a finite number"),
        (b'{"instances": [[1, -Infinity]]}', NUMBERS, "-Infinity is not a finite number"),
        (b'{"instances": [[1, 1e999]]}', NUMBERS, "without loss"),
        (b'{"instances": [[1, 1e39]]}', NUMBERS, "to float32 without loss"),
        (b'{"instances": [[1, 1' + b"0" * 400 + b"]]}", NUMBERS, "without loss"),
        ({"instances": [256]}, BYTES, "256 to uint8 without loss"),
        ({"instances": [-1]}, BYTES, "-1 to uint8"),
        ({"instances": [1.0]}, BYTES, "1.0 Type: Number is not of expected type: uint8"),
        ({"instances": [7]}, TEXTS, "not of expected type: string"),
        ({"instances": [{"b64": "A"}]}, TEXTS, "Unable to base64 decode"),
        ({"instances": [{"b64": "é"}]}, TEXTS, "Unable to base64 decode"),
        ({"instances": [{"b64": 5}]}, TEXTS, "must be equal to: x"),
        (b'{"instances": ["\\ud800"]}', TEXTS, "not valid Unicode"),
        ({"instances": ["a"] * 9}, TEXTS, "Task size 9 is larger than maximum input batch size 8"),
        ({"inputs": {"x": ["a"] * 9}}, TEXTS, "Task size 9"),
        ({"instances": [1]}, NAMED, "is a plain list"),
        ({"inputs": [1]}, NAMED, "is a plain value/list"),
        ({"inputs": {"tag": ["a"]}}, NAMED, "Missing named input: signal"),
        ({"instances": [ROWS[0], 3]}, NAMED, "got Number at item 1"),
        ({"instances": [{**ROWS[0], "more": 1}]}, NAMED, "must be equal to: sensor, signal, tag"),
        ({"instances": [1]}, signatures(x=("bfloat16", (None,))), "JSON cannot hold"),
    ],
)
def test_what_is_wrong_is_said(content, known, wanted):
    assert wanted in reason(content, known)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "b64", "tag"]), inner, max_size=3)
    ),
)


@given(
    st.sampled_from(["instances", "inputs", "signature_name"]), JSON, st.sampled_from([NUMBERS, BYTES, TEXTS, NAMED])
)
def test_nothing_but_a_reason_ever_comes_of_a_strange_body(key, content, known):
    try:
        found = parse(json.dumps({key: content}).encode(), known, LIMITS)
    except RequestError as error:
        found = error
    if isinstance(found, RequestError):
        assert (found.status, len(found.reason) < 600) == (400, True)
    else:
        assert isinstance(found, PredictRequest)


@given(st.binary(max_size=40))
def test_nothing_but_a_reason_ever_comes_of_bytes(body):
    with pytest.raises(RequestError):
        parse(body, NUMBERS, LIMITS)


def in_base64(content):
    return {"b64": base64.b64encode(content).decode()}


def picture(width, height):
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return in_base64(file.getvalue())


def test_image_files_that_would_unpack_to_too_many_pixels_are_refused_by_their_head():
    assert read({"instances": [picture(40, 20)]}, TEXTS).tensors["x"][0].startswith(b"\x89PNG")
    assert "more than 1,000 pixels" in reason({"instances": [picture(40, 26)]}, TEXTS)
    assert "more than 1,000 pixels" in reason({"instances": [picture(40, 13)] * 2}, TEXTS)
    assert "more than 1,000 pixels" in reason({"instances": [picture(20_000, 20_000)]}, TEXTS)
    assert "JPEG XL" in reason({"instances": [in_base64(b"\xff\x0a123")]}, TEXTS)


def test_a_file_of_which_the_size_cannot_be_judged_is_refused_though_another_decoder_would_unpack_it():
    """The image library of TensorFlow overlooks a wrong checksum in a part that is no pixels; Pillow does not."""
    file = base64.b64decode(picture(4000, 4000)["b64"])
    comment = b"\0\0\0\3tEXta\0b" + b"\0\0\0\0"  # the last four are no checksum of it
    at = file.index(b"IDAT") - 4
    assert "broken image file" in reason({"instances": [in_base64(file[:at] + comment + file[at:])]}, TEXTS)
    assert "broken image file" in reason({"instances": [in_base64(b"GIF8 is a text")]}, TEXTS)
    assert read({"instances": ["BMW", "PNG", "a text"]}, TEXTS).tensors["x"].tolist() == [b"BMW", b"PNG", b"a text"]


def test_an_animation_is_refused_for_its_later_images_may_be_larger_than_the_first():
    def gif(side):
        file = io.BytesIO()
        Image.new("P", (side, side)).save(file, "GIF")
        content = file.getvalue()
        colours = 3 * 2 ** ((content[10] & 7) + 1) if content[10] & 128 else 0
        return content[: 13 + colours], content[13 + colours : -1]  # the head, and the image

    (head, small), (_, large) = gif(1), gif(3000)
    assert read({"instances": [in_base64(head + small + b";")]}, TEXTS).tensors["x"].shape == (1,)
    assert "holds an animation" in reason({"instances": [in_base64(head + small + large + b";")]}, TEXTS)


def test_a_reason_does_not_repeat_megabytes():
    assert len(reason({"instances": [["a" * 10**6, 1]]}, NUMBERS)) < 200
    assert len(reason({"signature_name": "a" * 10**6, "instances": [[1, 2]]}, NUMBERS)) < 300
