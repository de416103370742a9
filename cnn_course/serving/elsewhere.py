"""The same SavedModel where one machine is not enough: TensorFlow Serving in a container, KServe on Kubernetes.

A SavedModel holds the operations of the TensorFlow that wrote it, and an older server refuses those that it does not
know. So both name the server's version; it is no older than the TensorFlow here, and must be one that was published.
"""

import json
import re
import shlex

import tensorflow as tf

IMAGE = "tensorflow/serving"


def container_command(folder: str, *, port: int = 8501, version: str = tf.__version__) -> str:
    """Return the shell command that serves a model's folder by TensorFlow Serving itself, on this machine alone.

    Args:
        folder: The model's, with its numbered versions, absolute or from the current one; its last part is the model's
            name.
        port: Where it answers.
        version: Of TensorFlow Serving, as its images are tagged; at least that of the TensorFlow that wrote the model.
    """
    folder = folder.rstrip("/")
    name = folder.rpartition("/")[2]
    source = shlex.quote(folder) if folder.startswith("/") else f'"$PWD"/{shlex.quote(folder)}'
    inside = shlex.quote(f"/models/{name}")
    parts = [
        f"docker run --rm -p 127.0.0.1:{port}:8501",
        f"-v {source}:{inside}:ro",
        f"-e MODEL_NAME={shlex.quote(name)}",
        shlex.quote(f"{IMAGE}:{version}"),
    ]
    return " \\\n    ".join(parts)


def kserve_manifest(name: str, storage: str, *, version: str = tf.__version__) -> str:
    """Return the Kubernetes manifest by which KServe serves a model with its runtime for TensorFlow, as YAML.

    Args:
        name: The model's; what Kubernetes does not allow in a name becomes a hyphen, and one that begins with no
            letter gets ``model-`` before it.
        storage: Where the model's folder with its numbered versions is, such as ``s3://bucket/models/flowers`` or
            ``pvc://volume/models/flowers``.
        version: Of TensorFlow Serving, in the place of KServe's own, which may be years older than the TensorFlow that
            wrote the model.
    """
    allowed = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")
    if not allowed[:1].isalpha():
        allowed = f"model-{allowed}"
    allowed = allowed[:63].strip("-")
    return f"""apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {json.dumps(allowed)}
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 4
    model:
      modelFormat:
        name: tensorflow
      runtimeVersion: {json.dumps(version)}
      storageUri: {json.dumps(storage)}
"""
