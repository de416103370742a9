"""The commands export and serve, as somebody at a terminal meets them."""

import os
import re
import signal
import subprocess
import sys

import httpx
import keras
import numpy as np
import pytest
from click.testing import CliRunner

from cnn_course import cli
from cnn_course.serving import Limits, commands


def call(*arguments):
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def file(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "tiny.keras"
    network.save(path)
    return path


def test_a_network_is_exported_and_served_until_the_process_is_asked_to_end(file, images, expected, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\n\nbird\n", encoding="utf-8")
    written = call("export", file, "--out", tmp_path / "models", "--labels", labels)
    assert written.exit_code == 0, written.output
    assert f"{tmp_path / 'models' / 'tiny' / '1'} is written" in written.output
    command = [sys.executable, "-m", "cnn_course.cli", "serve", str(tmp_path / "models" / "tiny"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            address = re.fullmatch(r"(http://127\.0\.0\.1:\d+/v1/models/tiny) is served\. Ctrl\+C ends it\.\n", line)[1]
            answer = httpx.post(f"{address}:predict", json={"instances": images.tolist()}, timeout=60).json()
            process.send_signal(signal.SIGTERM)
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    np.testing.assert_allclose(answer["predictions"], expected, atol=1e-6)
    assert (process.returncode, output) == (0, "")
    assert "Traceback" not in errors


def test_the_courses_own_networks_are_exported_with_their_classes(tmp_path):
    result = call("export", "student", "--out", tmp_path, "--name", "small", "--version", 5)
    assert result.exit_code == 0, result.output
    assert '"airplane"' in (tmp_path / "small" / "5" / "assets.extra" / "classes.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "resnet"], "neither one of fast_network, student nor a .keras file"),
        (["export", "none.keras"], "There is no file none.keras"),
        (["export", __file__ + ".h5"], "nor a .keras file"),
        (["export", "student", "--litert", "int8"], "give --representative DATASET"),
        (["export", "student", "--litert", "int8", "--representative", "mnist5k"], "have the shape (28, 28, 1)"),
        (["export", "student", "--labels", "none.txt"], "cannot be read from none.txt"),
        (["export", "student", "--labels", os.devnull], "0 class names"),
        (["serve", "none"], "'cnn-course export' writes one"),
        (["serve", "none", "--host", "256.0.0.1"], "no address of this machine"),
        (["serve", "none", "--port", "70000"], "70000 is not in the range"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_paragraph(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_file_that_is_broken_or_brings_code_along_is_refused(tmp_path):
    (tmp_path / "broken.keras").write_bytes(b"no zip")
    assert "cannot be loaded" in call("export", tmp_path / "broken.keras").output
    inputs = keras.Input((8, 8, 3))
    with_code = keras.Model(inputs, keras.layers.Flatten()(keras.layers.Lambda(lambda x: 2 * x)(inputs)))
    with_code.save(tmp_path / "code.keras")
    result = call("export", tmp_path / "code.keras", "--out", tmp_path / "models")
    assert result.exit_code == 1
    assert "cannot be loaded" in result.output
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_who_opens_the_service_to_others_is_warned(host, warned, exported, monkeypatch):
    lines, settings = [], {"name": None, "batching": True, "largest_batch": 8, "poll_seconds": 1.0}
    monkeypatch.setattr(commands, "serve", lambda app, listener: None)
    commands.serve_folder(exported.parent, host=host, port=0, limits=Limits(), tell=lines.append, **settings)
    assert [line.startswith("Other machines can reach it") for line in lines] == [False, True][: 1 + warned]
