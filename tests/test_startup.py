"""TensorFlow starts without a word, and its own words come back when it cannot start."""

import os
import subprocess
import sys

START = "from cnn_course import startup; startup.start_tensorflow_quietly()"


def python(code, **keywords):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, **keywords)


def test_nothing_is_written_and_standard_error_works_afterwards():
    done = python(f"{START}; import sys, os; import tensorflow as tf; tf.zeros(1); os.write(2, b'after')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "after")


def test_the_memory_of_a_gpu_is_taken_as_it_is_needed_unless_the_user_says_otherwise():
    told = f"{START}; import os; print(os.environ['TF_FORCE_GPU_ALLOW_GROWTH'])"
    own = {name: value for name, value in os.environ.items() if name != "TF_FORCE_GPU_ALLOW_GROWTH"}
    assert python(told, env=own).stdout == "true\n"
    assert python(told, env=own | {"TF_FORCE_GPU_ALLOW_GROWTH": "false"}).stdout == "false\n"


def test_matplotlib_lists_new_fonts_without_a_word(tmp_path):
    # It warns where that takes five seconds; here at once. In a notebook sys.stderr is not the file descriptor.
    soon = "import sys, threading as t; later = t.Timer; t.Timer = lambda seconds, call: later(0, call)"
    done = python(f"{soon}; sys.stderr = sys.stdout; {START}", env=os.environ | {"MPLCONFIGDIR": str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, "")
    assert list(tmp_path.glob("fontlist*.json"))


def test_a_failing_import_shows_what_was_set_aside(tmp_path):
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'no such library')\nraise ImportError('broken')\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {START}"
    done = python(code)
    assert done.returncode == 1
    assert "no such library" in done.stderr
    assert "ImportError: broken" in done.stderr


def test_importing_the_package_is_light():
    modules = "cnn_course, cnn_course.lesson, cnn_course.cli, cnn_course.datasets, cnn_course.machine"
    done = python(f"import {modules}, sys; print('tensorflow' in sys.modules, 'keras' in sys.modules)")
    assert (done.stdout.strip(), done.stderr) == ("False False", "")
