"""Data parallelism against the whole batch, the ring against the mean, workers that are killed and go on."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from cnn_course import scaling
from cnn_course.scaling import training, worker, workers


def small_model(seed=0):
    keras.utils.set_random_seed(seed)
    stack = [keras.Input((6, 6, 1)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3)]
    return keras.Sequential(stack)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return rng.normal(size=(48, 6, 6, 1)).astype("float32"), rng.integers(0, 3, 48)


def gradients(model, images, labels):
    with tf.GradientTape() as tape:
        losses = keras.losses.sparse_categorical_crossentropy(labels, model(images), from_logits=True)
        loss = tf.reduce_mean(losses)
    return [gradient.numpy() for gradient in tape.gradient(loss, [w.value for w in model.trainable_variables])]


@settings(deadline=None, max_examples=20)
@given(counts=st.lists(st.integers(1, 12), min_size=1, max_size=4))
def test_the_weighted_mean_is_the_gradient_of_the_whole_batch(images, counts):
    x, y = images
    model, ends = small_model(), np.cumsum([0, *counts])
    parts = [gradients(model, x[a:b], y[a:b]) for a, b in itertools.pairwise(ends)]
    for ours, whole in zip(
        scaling.weighted_mean(parts, counts), gradients(model, x[: ends[-1]], y[: ends[-1]]), strict=True
    ):
        np.testing.assert_allclose(ours, whole, atol=1e-6)


@pytest.mark.parametrize("counts", [[1], [0, 0], [1, 2, 3]])
def test_gradients_without_their_counts_are_refused(counts):
    with pytest.raises(ValueError, match="give a count for each"):
        scaling.weighted_mean([[np.ones(2)], [np.ones(2)]], counts)


@settings(deadline=None)
@given(n=st.integers(1, 7), shape=st.lists(st.integers(0, 9), max_size=3), seed=st.integers(0, 99))
def test_every_worker_of_a_ring_holds_the_mean_and_has_sent_the_same_share(n, shape, seed):
    arrays = list(np.random.default_rng(seed).normal(size=(n, *shape)))
    before = [array.copy() for array in arrays]
    means, sent = scaling.ring_all_reduce(arrays)
    assert len(means) == len(sent) == n
    for held in means:
        assert held.shape == tuple(shape)
        np.testing.assert_allclose(held, np.mean(arrays, axis=0), atol=1e-12)
    size = arrays[0].size
    assert sum(sent) == 2 * (n - 1) * size  # all parts, whatever their sizes
    assert max(sent) <= 2 * (n - 1) * -(-size // n)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


def test_a_ring_of_different_shapes_is_refused():
    with pytest.raises(ValueError, match="have one shape"):
        scaling.ring_all_reduce([np.zeros(2), np.zeros(3)])
    with pytest.raises(ValueError, match="these have none"):
        scaling.ring_all_reduce([])


def test_seconds_of_a_ring_by_hand():
    link = scaling.Link(bits_per_second=8e6, latency=0.001)  # a megabyte a second
    assert link.ring_seconds(1, 4e6) == 0
    assert link.ring_seconds(4, 4e6) == pytest.approx(6 * (0.001 + 1.0))
    assert scaling.speed_up(1, compute_seconds=2, size=4e6, link=link) == 1
    assert scaling.speed_up(4, compute_seconds=2, size=4e6, link=link) == pytest.approx(2 / (0.5 + 6.006))
    with pytest.raises(ValueError, match="at least 1"):
        scaling.speed_up(0, compute_seconds=2, size=4e6, link=link)
    fixed = scaling.speed_up(4, compute_seconds=2, fixed_seconds=0.4, size=4e6, link=link)
    assert fixed == pytest.approx(2 / (0.4 + 1.6 / 4 + 6.006))
    assert scaling.speed_up(1, compute_seconds=2, fixed_seconds=0.4, size=4e6, link=link) == 1
    for wrong in (-0.1, 2.1):
        with pytest.raises(ValueError, match="a part of the 2 seconds"):
            scaling.speed_up(4, compute_seconds=2, fixed_seconds=wrong, size=4e6, link=link)


def test_what_does_not_shrink_with_the_images_bounds_the_speed_up_on_every_link():
    fast = {"compute_seconds": 1.0, "fixed_seconds": 0.2, "size": 1e6, "link": scaling.Link(1e15, 0.0)}
    assert scaling.speed_up(1000, **fast) == pytest.approx(5, rel=0.01)
    slower = {**fast, "link": scaling.Link(1e10, 1e-4)}
    assert scaling.most_useful_workers(**slower) == scaling.most_useful_workers(
        compute_seconds=0.8, size=1e6, link=slower["link"]
    )
    assert scaling.most_useful_workers(**{**slower, "fixed_seconds": 1.0}) == 1


def test_the_most_useful_number_of_workers_is_where_more_and_fewer_are_slower():
    cost = {"compute_seconds": 1.0, "size": 1e6, "link": scaling.Link(bits_per_second=1e10, latency=1e-3)}
    best = scaling.most_useful_workers(**cost)
    assert 1 < best < 1024
    at = {n: scaling.speed_up(n, **cost) for n in (best - 1, best, best + 1)}
    assert max(at, key=at.get) == best
    assert scaling.most_useful_workers(**{**cost, "link": scaling.Link(1e4, 1.0)}) == 1


@settings(deadline=None)
@given(rate=st.floats(1e-4, 1), factor=st.integers(1, 100), warmup=st.integers(0, 50), step=st.integers(0, 200))
def test_the_scaled_rate_grows_from_the_small_batch_s_to_its_multiple(rate, factor, warmup, step):
    found = scaling.scaled_rate(step, rate=rate, batch_size=8 * factor, base_batch_size=8, warmup_steps=warmup)
    if step >= warmup:
        assert found == pytest.approx(rate * factor)
    else:
        assert found == pytest.approx(np.interp(step, [0, warmup], [rate, rate * factor]))


def test_a_rate_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        scaling.scaled_rate(0, rate=0.1, batch_size=0, base_batch_size=8)


def test_bytes_are_those_of_all_arrays():
    assert scaling.bytes_of([np.zeros((3, 4), "float32"), np.zeros(2, "float64"), np.zeros((), "int8")]) == 48 + 16 + 1


@settings(deadline=None)
@given(images=st.integers(1, 60), batch_size=st.integers(1, 60), seed=st.integers(0, 9))
def test_batches_of_an_epoch_share_no_image_and_the_next_epoch_is_another_order(images, batch_size, seed):
    if batch_size > images:
        with pytest.raises(ValueError, match="larger than the set"):
            scaling.batch_indices(0, images, batch_size)
        return
    steps = images // batch_size
    epoch = np.concatenate([scaling.batch_indices(k, images, batch_size, seed=seed) for k in range(steps)])
    assert len(set(epoch)) == steps * batch_size
    assert set(epoch) <= set(range(images))
    if steps * batch_size > 20:
        after = [scaling.batch_indices(steps + k, images, batch_size, seed=seed) for k in range(steps)]
        assert not np.array_equal(epoch, np.concatenate(after))


def sgd_by_hand(model, images, labels, steps, batch_size, rate, momentum, seed):
    """Return the weights after SGD with momentum, in NumPy but for the gradients."""
    velocity = [np.zeros(w.shape) for w in model.trainable_variables]
    for step in range(steps):
        chosen = training.batch_indices(step, len(images), batch_size, seed=seed)
        found = gradients(model, images[chosen], labels[chosen])
        velocity = [momentum * v - rate * g for v, g in zip(velocity, found, strict=True)]
        for weight, v in zip(model.trainable_variables, velocity, strict=True):
            weight.assign(np.asarray(weight.value) + v)
    return model.get_weights()


def test_the_loop_is_sgd_and_a_stopped_one_goes_on_as_if_nothing_had_been(images, tmp_path):
    how = {"batch_size": 16, "seed": 3}
    expected = sgd_by_hand(small_model(), *images, 10, 16, 0.1, 0.9, 3)
    one, file = tf.distribute.get_strategy(), tmp_path / "checkpoint.npz"

    def train(steps, **more):
        model = small_model()
        optimiser = keras.optimizers.SGD(0.1, momentum=0.9)
        losses = dict(scaling.train_parallel(one, model, optimiser, *images, steps=steps, **how, **more))
        return losses, model.get_weights()

    losses, weights = train(10)
    for ours, by_hand in zip(weights, expected, strict=True):
        np.testing.assert_allclose(ours, by_hand, atol=1e-5)
    first, _ = train(7, checkpoint=file, save_every=4)
    file_after_seven = file.read_bytes()
    train(7, checkpoint=file, save_every=4, saves=False)
    assert file.read_bytes() == file_after_seven
    rest, resumed = train(10, checkpoint=file)
    assert (list(first), list(rest)) == ([*range(1, 8)], [8, 9, 10])
    assert first | rest == pytest.approx(losses, rel=1e-5)
    for ours, whole in zip(resumed, weights, strict=True):
        np.testing.assert_allclose(ours, whole, atol=1e-6)


def test_a_checkpoint_of_another_model_is_refused(images, tmp_path):
    model = small_model()
    training.save_checkpoint(tmp_path / "c.npz", model.variables[:2], 5)
    with pytest.raises(ValueError, match="holds another model"):
        training.load_checkpoint(tmp_path / "c.npz", model.variables)


def test_a_batch_that_cannot_be_shared_equally_is_refused(images):
    class Two:
        num_replicas_in_sync = 2

    with pytest.raises(ValueError, match="15 images cannot be cut into 2 equal parts"):
        next(scaling.train_parallel(Two(), None, None, *images, steps=1, batch_size=15))


MIRRORED = """
import keras, numpy as np, tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
import sys; sys.path.insert(0, FOLDER)
from test_scaling import small_model
from cnn_course import scaling
rng = np.random.default_rng(0)
x, y = rng.normal(size=(48, 6, 6, 1)).astype("float32"), rng.integers(0, 3, 48)
ends, losses = [], []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    with strategy.scope():
        model = small_model()
        optimiser = keras.optimizers.SGD(0.1, momentum=0.9)
    losses.append(dict(scaling.train_parallel(strategy, model, optimiser, x, y, steps=8, batch_size=16)))
    ends.append(model.get_weights())
parts = scaling.shared_out(strategy, np.arange(6))[0].values
assert [part.numpy().tolist() for part in parts] == [[0, 2, 4], [1, 3, 5]]
print(max(np.abs(a - b).max() for a, b in zip(*ends)), max(abs(losses[0][k] - losses[1][k]) for k in losses[0]))
"""


def test_two_mirrored_devices_end_where_one_does(tmp_path):
    program = MIRRORED.replace("FOLDER", repr(os.path.dirname(__file__)))
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert max(map(float, done.stdout.split()[-2:])) < 1e-5


@pytest.fixture(scope="module")
def killed_and_resumed(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    how = {"steps": 20, "batch_size": 16, "rate": 0.1, "momentum": 0.9, "seed": 3}
    job = scaling.write_job(folder, small_model(), *images, **how, save_every=5, dies=(1, 12), try_fit=True)
    return folder, scaling.run_workers(job, attempts=2)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_killed_worker_ends_the_attempt_and_the_next_one_finishes(killed_and_resumed, images):
    folder, attempts = killed_and_resumed
    assert attempts[0].exit_codes[1] == -signal.SIGKILL
    assert attempts[0].exit_codes[0] != 0
    assert [attempt.succeeded for attempt in attempts] == [False, True]
    lines = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in lines if entry["attempt"] == 2] == list(range(11, 21))
    expected = sgd_by_hand(small_model(), *images, 20, 16, 0.1, 0.9, 3)
    with np.load(folder / "weights.npz") as stored:
        for name, by_hand in zip(stored.files, expected, strict=True):
            np.testing.assert_allclose(stored[name], by_hand, atol=1e-4)
    told = json.loads((folder / "worker-1.json").read_text())
    assert told["replicas"] == 2
    assert told["listens_on"] != []
    first = [json.loads((folder / f"worker-{k}.json").read_text())["first_images"] for k in (0, 1)]
    batch = training.batch_indices(0, len(images[0]), 16, seed=3).tolist()
    assert first == [batch[0::2], batch[1::2]]


def test_keras_fit_under_several_workers_fails_and_its_error_is_kept(killed_and_resumed):
    folder, _ = killed_and_resumed
    for k in (0, 1):
        assert "PerReplica" in json.loads((folder / f"fit-{k}.json").read_text())["fit"]


# Each of two processes: fit on JAX with its own half of the images, against the step of the whole batch by hand.
SEVERAL_ON_JAX = """
import sys, keras, numpy as np
address, index = sys.argv[1], int(sys.argv[2])
keras.distribution.initialize(address, 2, index)
keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
assert len(keras.distribution.list_devices()) == 2
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.compile(keras.optimizers.SGD(0.1), "mse")
rng = np.random.default_rng(0)
x, y = rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(8, 2)).astype("float32")
kernel, bias = model.get_weights()
model.fit(x[index * 4 : (index + 1) * 4], y[index * 4 : (index + 1) * 4], batch_size=4, shuffle=False, verbose=0)
expected = kernel - 0.1 * x.T @ (2 * (x @ kernel + bias - y) / y.size)
np.testing.assert_allclose(model.get_weights()[0], expected, atol=1e-6)
"""


def test_keras_fit_on_jax_works_with_several_processes(tmp_path):
    pytest.importorskip("jax")
    address = f"127.0.0.1:{workers.free_ports(1)[0]}"
    collectives = {"JAX_PLATFORMS": "cpu", "JAX_CPU_COLLECTIVES_IMPLEMENTATION": "gloo"}
    variables = {**os.environ, "KERAS_BACKEND": "jax", **collectives}
    commands = [[sys.executable, "-c", SEVERAL_ON_JAX, address, str(k)] for k in (0, 1)]
    kept = {"env": variables, "cwd": tmp_path, "stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **kept) for command in commands]
    try:
        written = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0, 0], written[0][-1500:] + written[1][-1500:]


def test_workers_that_cannot_finish_are_reported_with_the_end_of_the_log(images, tmp_path):
    job = scaling.write_job(tmp_path, small_model(), *images, steps=3, batch_size=60, rate=0.1)
    with pytest.raises(
        scaling.WorkersFailed, match=r"(?s)After 1 attempts worker 0 .* 60 images is larger than the set"
    ):
        scaling.run_workers(job, workers=1, attempts=1)


def test_the_worker_that_failed_first_is_named_and_not_those_that_fail_because_it_is_gone(monkeypatch):
    monkeypatch.setattr(workers, "GRACE", 0.5)
    programs = ("import time; time.sleep(60)", "raise SystemExit(3)", "import time; time.sleep(60)")
    processes = [subprocess.Popen([sys.executable, "-c", program]) for program in programs]
    began = time.monotonic()
    codes, lost = workers._watched(processes, began + 50)
    assert time.monotonic() - began < 40  # though the first one lives, the end of the second was seen
    assert (codes[1], lost) == (3, 1)
    assert 0 not in codes
    processes = [subprocess.Popen([sys.executable, "-c", "pass"]) for _ in range(2)]
    assert workers._watched(processes, time.monotonic() + 30) == ([0, 0], None)
    processes = [subprocess.Popen([sys.executable, "-c", program]) for program in ("pass", programs[0])]
    codes, lost = workers._watched(processes, time.monotonic() + 0.5)  # too slow
    assert lost is not None


def test_the_addresses_at_which_a_process_listens_are_found():
    before = worker.listening(psutil.Process())
    with socket.create_server(("127.0.0.2" if sys.platform == "linux" else "127.0.0.1", 0)) as server:
        assert set(worker.listening(psutil.Process())) == {*before, server.getsockname()[0]}


def test_free_ports_are_different_and_can_be_bound():
    ports = workers.free_ports(3)
    assert len(set(ports)) == 3
    for port in ports:
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))


def test_each_worker_is_told_all_addresses_and_its_place():
    found = workers.worker_environment({"HOME": "here"}, ["127.0.0.1:1", "127.0.0.1:2"], 1)
    told = json.loads(found["TF_CONFIG"])
    assert told == {"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": {"type": "worker", "index": 1}}
    assert found["HOME"] == "here"
