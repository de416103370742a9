"""One program on two backends of Keras: TensorFlow in this process and JAX in another, for a process has only one."""

import contextlib
import io
import json
import os
import subprocess
import sys


def on_jax_and_tensorflow(program, folder):
    """Return what ``program`` prints behind the name of its backend, as JSON, on each of the two."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {})
    return _result("jax", done.stdout, done.stderr), _result("tensorflow", printed.getvalue())


def _result(backend, text, errors=""):
    lines = [line for line in text.splitlines() if line.startswith(backend)]
    assert lines, errors[-2000:] or text
    return json.loads(lines[-1].removeprefix(backend))
