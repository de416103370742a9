"""TensorFlow Serving's REST contract: what an address asks for, what a body holds, and how an answer is written.

The reference is "RESTful API" in TensorFlow Serving's documentation (https://www.tensorflow.org/tfx/serving/api_rest).
Nothing here knows TensorFlow, a web framework or a model. Bodies of requests are read in ``parsing``. Lesson 13.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_course.serving.errors import RequestError

DEFAULT_SIGNATURE = "serving_default"
PREDICT_METHOD = "tensorflow/serving/predict"
# The names of the number formats in a SavedModel, by NumPy's.
DTYPES = {
    "float16": "DT_HALF",
    "float32": "DT_FLOAT",
    "float64": "DT_DOUBLE",
    "int8": "DT_INT8",
    "int16": "DT_INT16",
    "int32": "DT_INT32",
    "int64": "DT_INT64",
    "uint8": "DT_UINT8",
    "uint32": "DT_UINT32",
    "uint64": "DT_UINT64",
    "bool": "DT_BOOL",
    "string": "DT_STRING",
}
_PREDICT = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?:(classify|regress|predict)", re.I)
_STATUS = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(/metadata)?", re.I)


@dataclass(frozen=True)
class Limits:
    """What one request may ask for, and how many may wait.

    Attributes:
        body_bytes: Length of a request's body.
        rows: Images (or other rows) in one request.
        pixels: Of all images together that come as files: a file of some kilobytes can hold gigabytes.
        waiting: Requests for predictions that are accepted and not yet answered.
        waiting_bytes: Length of the bodies of all these together.
        receive_seconds: Time that a client has to send its body.
    """

    body_bytes: int = 16 * 2**20
    rows: int = 256
    pixels: int = 16 * 2**20
    waiting: int = 512
    waiting_bytes: int = 256 * 2**20
    receive_seconds: float = 30.0


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a signature: NumPy's name of its format (or ``"string"``), and its shape.

    A side of any length is ``None``; the whole shape is ``None`` where even its rank is open.
    """

    dtype: str
    shape: tuple[int | None, ...] | None
    graph_name: str = ""


@dataclass(frozen=True)
class Signature:
    """A function of a SavedModel that can be called from outside: named inputs and named outputs."""

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    method: str = PREDICT_METHOD

    @property
    def takes_batches(self) -> bool:
        """Whether requests can be joined along a first side that is open in every input and output."""
        shapes = [info.shape for info in (*self.inputs.values(), *self.outputs.values())]
        return all(shape is not None and shape[:1] == (None,) for shape in shapes)


@dataclass(frozen=True)
class Target:
    """What an address asks for: ``"predict"``, ``"status"`` or ``"metadata"`` of a model, perhaps of one version."""

    action: str
    model: str
    version: int | None = None


def route(method: str, path: str) -> Target:
    """Return what a request asks for.

    Raises:
        RequestError: 400: an address, a method or a kind of prediction that there is none of.
    """
    found = _PREDICT.fullmatch(path) if method == "POST" else _STATUS.fullmatch(path) if method == "GET" else None
    if found is None:
        raise RequestError(400, f"Malformed request: {method} {path[:200]}")
    model, version, label, last = found.groups()
    if label is not None:
        raise RequestError(400, f"Unrecognized servable version label: {label[:100]}")
    if version is not None and (len(version) > 19 or int(version) >= 2**63):
        raise RequestError(400, f"Failed to convert version: {version[:40]} to numeric.")
    if method == "GET":
        action = "metadata" if last else "status"
    else:
        action = last.lower()
        if action != "predict":
            raise RequestError(400, f"This model has no signature for '{action}'; ask for ':predict'.")
    return Target(action, model, None if version is None else int(version))


def answer(outputs: Mapping[str, np.ndarray], *, by_row: bool) -> bytes:
    """Return output tensors as the body of an answer, JSON in UTF-8: ``predictions`` by row, ``outputs`` by column.

    A single output stands without its name. ``bytes`` are text, or base64 where the output's name ends in ``_bytes``.

    Raises:
        RequestError: 400: rows are asked for, and the outputs do not have equally many.
    """
    plain = {name: _plain(name, values) for name, values in outputs.items()}
    if not by_row:
        return _as_bytes({"outputs": next(iter(plain.values())) if len(plain) == 1 else plain})
    if len({np.shape(values)[:1] for values in outputs.values()}) != 1 or any(
        np.ndim(v) == 0 for v in outputs.values()
    ):
        raise RequestError(400, "The outputs do not have a row for each instance; ask by column, with 'inputs'.")
    if len(plain) == 1:
        return _as_bytes({"predictions": next(iter(plain.values()))})
    rows = [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]
    return _as_bytes({"predictions": rows})


def error(reason: str) -> bytes:
    """Return the body of an answer that says why there is no other."""
    return _as_bytes({"error": reason})


def status(states: Iterable[tuple[int, str, str, str]]) -> bytes:
    """Return the body that tells the versions of a model: (number, state, error code, error message) of each."""
    listed = [
        {"version": str(number), "state": state, "status": {"error_code": code, "error_message": message}}
        for number, state, code, message in states
    ]
    return _as_bytes({"model_version_status": listed}, indent=1)


def metadata(model: str, version: int, signatures: Mapping[str, Signature]) -> bytes:
    """Return the body that tells the signatures of a version, in the form of the SavedModel's own description."""
    described = {
        name: {
            "inputs": {key: _described(info) for key, info in signature.inputs.items()},
            "outputs": {key: _described(info) for key, info in signature.outputs.items()},
            "method_name": signature.method,
            "defaults": {},
        }
        for name, signature in signatures.items()
    }
    spec = {"name": model, "signature_name": "", "version": str(version)}
    content = {"model_spec": spec, "metadata": {"signature_def": {"signature_def": described}}}
    return _as_bytes(content, indent=1)


def _described(info: TensorInfo) -> dict[str, Any]:
    sides = [{"size": str(-1 if side is None else side), "name": ""} for side in info.shape or ()]
    shape = {"dim": sides, "unknown_rank": info.shape is None}
    return {"dtype": DTYPES.get(info.dtype, "DT_INVALID"), "tensor_shape": shape, "name": info.graph_name}


def _plain(name: str, values: np.ndarray) -> Any:
    """Return an array as nested lists of what JSON knows."""
    values = np.asarray(values)
    if values.dtype.kind == "f":
        # By way of the shortest text that stands for the number: 0.2 in float32 is not 0.20000000298 for a reader.
        return values.astype(str).astype(np.float64).tolist() if values.dtype.itemsize < 8 else values.tolist()
    if values.dtype.kind in "OSU":
        convert = _as_base64 if name.endswith("_bytes") else _as_text
        return np.frompyfunc(convert, 1, 1)(values.astype(object)).tolist() if values.ndim else convert(values.item())
    return values.tolist()


def _as_base64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode("ascii")}


def _as_text(data: bytes | str) -> str:
    return data.decode("utf-8", errors="replace") if isinstance(data, bytes) else data


def _as_bytes(content: Any, **how: Any) -> bytes:
    return json.dumps(content, **how).encode("ascii")
