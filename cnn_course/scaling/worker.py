"""One worker of several: ``python -m cnn_course.scaling.worker JOB``. It is started by :mod:`workers`.

``JOB`` is a JSON file; the environment variable ``TF_CONFIG`` says who the workers are and which of them this one is.
"""

import json
import os
import signal
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

from cnn_course import startup


def main(job_file: Path) -> None:
    """Do this worker's part of the training, and write what it has seen to ``worker-K.json`` beside the job."""
    began = time.perf_counter()
    startup.start_tensorflow_quietly()
    import keras
    import psutil
    import tensorflow as tf

    from cnn_course.files import read_arrays, write_arrays
    from cnn_course.lesson import write_json
    from cnn_course.scaling.training import batch_indices, shared_out, train_parallel

    job = json.loads(job_file.read_text(encoding="utf-8"))
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    folder = job_file.parent
    # Before any operation: the connections between the workers are made here.
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    keras.utils.set_random_seed(job["seed"])
    data = read_arrays(folder / job["data"])
    images, labels = data["images"], data["labels"]
    # The numbers of the images in the first step of all, cut by what cuts the images: those of this worker.
    first = batch_indices(0, len(images), job["batch_size"], seed=job["seed"])
    own = strategy.experimental_local_results(shared_out(strategy, first)[0])
    seen = {
        "started_after": time.perf_counter() - began,
        "replicas": strategy.num_replicas_in_sync,
        "listens_on": listening(psutil.Process()),
        "first_images": [number for part in own for number in part.numpy().tolist()],
    }
    if job["try_fit"]:
        write_json(folder / f"fit-{index}.json", {"fit": _fit(strategy, folder / job["model"], images, labels, job)})
    with strategy.scope():
        model = keras.saving.load_model(folder / job["model"], compile=False)
        optimiser = keras.optimizers.SGD(job["rate"], momentum=job["momentum"])
    steps = 0
    for done, loss in train_parallel(
        strategy,
        model,
        optimiser,
        images,
        labels,
        steps=job["steps"],
        batch_size=job["batch_size"],
        seed=job["seed"],
        checkpoint=folder / "checkpoint.npz",
        save_every=job["save_every"],
        saves=index == 0,
    ):
        steps += 1
        if steps == 1:
            began = time.perf_counter()  # it has compiled the step
        if index == 0:
            with (folder / "steps.jsonl").open("a") as file:
                file.write(json.dumps({"attempt": job["attempt"], "step": done, "loss": loss}) + "\n")
        if job["dies"] == [index, done]:
            os.kill(os.getpid(), signal.SIGKILL)
    rate = (steps - 1) / (time.perf_counter() - began) if steps > 1 else 0.0
    write_json(folder / f"worker-{index}.json", {**seen, "steps_per_second": rate})
    if index == 0:
        write_arrays(folder / "weights.npz", *model.get_weights())


def listening(process: Any) -> list[str]:
    """Return the addresses at which a process of ``psutil`` lets others connect."""
    find = getattr(process, "net_connections", None) or process.connections  # its name before psutil 6
    return sorted({entry.laddr.ip for entry in find(kind="inet") if entry.status == "LISTEN"})


def _fit(strategy: Any, model_file: Path, images: Any, labels: Any, job: dict[str, Any]) -> str:
    """Return how ``keras.Model.fit`` ends under the strategy: "it works", or its error, shortened."""
    import keras

    try:
        with strategy.scope():
            model = keras.saving.load_model(model_file, compile=False)
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(keras.optimizers.SGD(job["rate"]), loss)
        model.fit(images, labels, batch_size=job["batch_size"], steps_per_epoch=1, verbose=0)
    except Exception as error:
        return textwrap.shorten(f"{type(error).__name__}: {error}", 120)
    return "it works"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
