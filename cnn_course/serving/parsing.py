"""The body of a request for a prediction: from bytes to tensors, with a reason for everything that is refused.

The format is that of TensorFlow Serving's "RESTful API" (https://www.tensorflow.org/tfx/serving/api_rest). Where the
original lets something through that can only be a mistake, this one refuses: NaN and infinities, whole numbers that the
tensor's format cannot hold, and more rows or pixels than the limits. Derived in lesson 13.
"""

import base64
import binascii
import io
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from PIL import Image

from cnn_course.serving.contract import DEFAULT_SIGNATURE, DTYPES, Limits, Signature, TensorInfo
from cnn_course.serving.errors import RequestError

_JSON_TYPES = {
    type(None): "Null",
    bool: "Bool",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}
# The first bytes of files that TensorFlow unpacks: PNG, JPEG, GIF, WebP; and JPEG XL, of which Pillow knows nothing.
_COMPRESSED = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_JPEG_XL = (b"\xff\x0a", b"\x00\x00\x00\x0cJXL ")


@dataclass(frozen=True)
class PredictRequest:
    """The body of a prediction: the signature's name, its input tensors, and whether rows or columns were sent."""

    signature: str
    tensors: dict[str, np.ndarray]
    by_row: bool


def parse(body: bytes, signatures: Mapping[str, Signature], limits: Limits) -> PredictRequest:
    """Return the tensors that the body of a prediction holds, each in the format and shape of its signature.

    Strings become arrays of ``bytes`` objects.

    Raises:
        RequestError: 400, with what is wrong: no JSON, a key, a name, a type, a shape, a value, or too many rows.
    """
    content = _as_json(body)
    if not isinstance(content, dict):
        raise RequestError(400, f"JSON Value: {_short(content)} Is not object")
    name = content.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str):
        raise RequestError(400, f"'signature_name' must be a string, and is {_short(name)}.")
    name = name or DEFAULT_SIGNATURE
    if name not in signatures:
        known = ", ".join(sorted(signatures))
        raise RequestError(
            400, f'Serving signature name: "{name[:100]}" not found in signature def. There are: {known}'
        )
    if ("instances" in content) == ("inputs" in content):
        both = "instances" in content
        reason = "expecting only one of 'inputs' or 'instances'" if both else "Missing 'inputs' or 'instances' key"
        raise RequestError(400, reason)
    infos, by_row = signatures[name].inputs, "instances" in content
    columns = _from_rows(content["instances"], infos) if by_row else _from_columns(content["inputs"], infos)
    tensors = {key: _tensor(key, columns[key], info, limits) for key, info in infos.items()}
    rows = max((len(values) for values in tensors.values() if values.ndim), default=1)
    if rows > limits.rows:
        raise RequestError(400, f"Task size {rows} is larger than maximum input batch size {limits.rows}")
    return PredictRequest(name, tensors, by_row)


def _as_json(body: bytes) -> Any:
    if not body:
        raise RequestError(400, "JSON Parse error: The document is empty")
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except json.JSONDecodeError as problem:
        raise RequestError(400, f"JSON Parse error: {problem.msg} at offset: {problem.pos}") from None
    except RecursionError:
        raise RequestError(400, "JSON Parse error: nested too deeply") from None
    except ValueError as problem:  # no UTF-8, or a whole number of thousands of digits
        raise RequestError(400, f"JSON Parse error: {str(problem)[:200]}") from None


def _refuse_constant(text: str) -> NoReturn:
    raise RequestError(400, f"JSON Value: {text} is not a finite number")


def _is_base64(value: Any) -> bool:
    return type(value) is dict and len(value) == 1 and isinstance(value.get("b64"), str)


def _from_rows(instances: Any, infos: Mapping[str, TensorInfo]) -> dict[str, Any]:
    """Return for each input the list of its values in all rows."""
    if not isinstance(instances, list):
        raise RequestError(400, "Expecting 'instances' to be a list/array")
    if not instances:
        raise RequestError(400, "No values in 'instances' array")
    objects = [type(row) is dict and not _is_base64(row) for row in instances]
    if not any(objects):
        if len(infos) > 1:
            wanted = ", ".join(sorted(infos))
            raise RequestError(400, f"instances is a plain list, but expecting objects with the keys {wanted}")
        return dict.fromkeys(infos, instances)
    for k, (row, is_object) in enumerate(zip(instances, objects, strict=True)):
        if not is_object:
            raise RequestError(400, f"Expecting object but got {_JSON_TYPES[type(row)]} at item {k} of input list")
        if row.keys() != infos.keys():
            wanted, found = ", ".join(sorted(infos)), ", ".join(sorted(row))[:200]
            raise RequestError(400, f"Item {k} of 'instances' has the keys {found}; they must be equal to: {wanted}")
    return {name: [row[name] for row in instances] for name in infos}


def _from_columns(inputs: Any, infos: Mapping[str, TensorInfo]) -> dict[str, Any]:
    """Return for each input its values."""
    if type(inputs) is dict and not _is_base64(inputs):
        for name in infos:
            if name not in inputs:
                raise RequestError(400, f"Missing named input: {name} in 'inputs' object.")
        return inputs
    if len(infos) > 1:
        wanted = ", ".join(sorted(infos))
        raise RequestError(400, f"inputs is a plain value/list, but expecting an object with the keys {wanted}")
    return dict.fromkeys(infos, inputs)


def _tensor(name: str, values: Any, info: TensorInfo, limits: Limits) -> np.ndarray:
    """Return nested lists as an array, after every value and the shape were compared with the signature."""
    if info.dtype not in DTYPES:
        raise RequestError(400, f'Input "{name}" is of the type {info.dtype}, which JSON cannot hold here.')
    leaves, shape = _flattened(name, values)
    fits = info.shape is None or (
        len(shape) == len(info.shape)
        and all(wanted in (None, side) for side, wanted in zip(shape, info.shape, strict=True))
    )
    if not fits:
        taken = ",".join("-1" if side is None else str(side) for side in info.shape or ())
        sent = ",".join(map(str, shape))
        raise RequestError(400, f'Input "{name}" has the shape [{sent}]; the signature takes [{taken}].')
    if not leaves:
        raise RequestError(400, f'Input "{name}" has no values.')
    if info.dtype == "string":
        flat = np.array([None] * len(leaves), dtype=object)
        flat[:] = [_as_bytes(value) for value in leaves]
        if sum(_pixels(name, data) for data in flat) > limits.pixels:
            raise RequestError(400, f'Input "{name}" holds images of more than {limits.pixels:,} pixels together.')
    else:
        flat = _numbers(leaves, info.dtype)
    return flat.reshape(shape)


def _flattened(name: str, values: Any) -> tuple[list[Any], tuple[int, ...]]:
    """Return the values in nested lists, row after row, and the shape; all of it in whole levels, which is fast."""
    level, shape = [values], ()
    while level:
        kinds = set(map(type, level))
        if list not in kinds:
            break
        lengths = set(map(len, level)) if kinds == {list} else set()
        if len(lengths) != 1:
            raise RequestError(400, f'Input "{name}" is ragged: its lists of level {len(shape)} differ in length.')
        shape += (lengths.pop(),)
        level = list(itertools.chain.from_iterable(level))
    return level, shape


def _numbers(leaves: list[Any], dtype: str) -> np.ndarray:
    kind = np.dtype(dtype).kind
    allowed = {"f": {int, float}, "i": {int}, "u": {int}, "b": {bool}}[kind]
    if not set(map(type, leaves)) <= allowed:
        _refuse_type(next(value for value in leaves if type(value) not in allowed), dtype)
    if kind == "b":
        return np.array(leaves, dtype)
    bounds = np.finfo(dtype) if kind == "f" else np.iinfo(dtype)
    plain = float if kind == "f" else int  # NumPy's own numbers do not compare with whole numbers of any length
    for value in (min(leaves), max(leaves)):
        if not plain(bounds.min) <= value <= plain(bounds.max):
            raise RequestError(400, f"Cannot convert JSON value: {_short(value)} to {dtype} without loss of precision.")
    return np.array(leaves, dtype)


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError:
            raise RequestError(400, f"JSON Value: {_short(value)} is not valid Unicode") from None
    if not _is_base64(value):
        _refuse_type(value, "string")
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(400, f"Unable to base64 decode {_short(value['b64'])}") from None


def _pixels(name: str, data: bytes) -> float:
    """Return how many pixels an image file says to hold, from its head alone; 0 for what is no compressed image.

    Raises:
        RequestError: 400: TensorFlow might decode it, and Pillow cannot tell how large it would become.
    """
    if data.startswith(_JPEG_XL):
        raise RequestError(400, f'Input "{name}" holds a JPEG XL file, whose size cannot be judged beforehand.')
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind, pixels, frames = image.format, image.width * image.height, getattr(image, "n_frames", 1)
    except Image.DecompressionBombError:
        return float("inf")
    except Exception:  # Pillow has an error of its own for each way to be broken
        if data.startswith(_COMPRESSED):  # other decoders overlook what Pillow does not, a wrong checksum for one
            raise RequestError(400, f'Input "{name}" holds a broken image file.') from None
        return 0  # of other bytes the model says what they are not; a BMP file is as long as its pixels
    if kind == "GIF" and frames > 1:  # the later ones may be larger than the first
        raise RequestError(400, f'Input "{name}" holds an animation; send one image in a file.')
    return pixels * frames


def _refuse_type(value: Any, dtype: str) -> NoReturn:
    kind = _JSON_TYPES.get(type(value), "Object")
    raise RequestError(400, f"JSON Value: {_short(value)} Type: {kind} is not of expected type: {dtype}")


def _short(value: Any) -> str:
    """Return the beginning of a value as JSON writes it; a request's own megabytes are no part of the reason."""
    if isinstance(value, dict | list):
        return f"({_JSON_TYPES[type(value)]} of {len(value)})"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return "(a whole number of more than 40 digits)"
    text = json.dumps(value[:40] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:60]}..."
