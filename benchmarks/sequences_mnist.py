"""Read the rows of MNIST with networks of equal size, at once and after rows of noise, several seeds of each.

    Conv1D           two convolutions along the rows, the largest value of each map
    SimpleRNN        one state, a new one in each step
    LSTM             with Keras' own first bias of the forget gate, 1
    LSTM, gate open  with a first bias of 4

All are the networks of lesson 15 and have about 8,200 weights. Each learns from all 60,000 training images in the same
order and is judged on the 10,000 test images once, after the last epoch; the noise behind them is drawn anew. The
rates were chosen on digits of mnist5k that were held out, each as the best of three. With each run stands how much of
the last gradient is left at the end of the digit, before and after the training
(cnn_course.sequences.gradient_norms). Every finished run is stored at once in results/sequences_mnist.json; started
again, the script goes on with the runs that are missing.

    python benchmarks/sequences_mnist.py
"""

import time
from pathlib import Path
from typing import Any

import click
from stored_runs import WholeNumbers, chosen, complete, tell_means

ROOT = Path(__file__).resolve().parents[1]
# The layer, the first bias of its forget gate, and the peak of the learning rate.
KINDS = {
    "Conv1D": ("Conv1D", 1.0, 2e-2),
    "SimpleRNN": ("SimpleRNN", 1.0, 5e-3),
    "LSTM": ("LSTM", 1.0, 2e-2),
    "LSTM, gate open": ("LSTM", 4.0, 2e-2),
}
SETTINGS = {"parameters": 8200, "batch_size": 100, "clipnorm": 1.0}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "sequences_mnist.json")
@click.option("--seeds", default="0,1,2", show_default=True, type=WholeNumbers(), help="With commas between them.")
@click.option("--delays", default="0,14,28", show_default=True, type=WholeNumbers(), help="Rows of noise.")
@click.option("--kind", "only", multiple=True, help="A kind to run, instead of all; can be given again.")
@click.option("--epochs", default=4, show_default=True, type=click.IntRange(1))
@click.option("--train-size", default=60_000, show_default=True, type=click.IntRange(1), help="Training images.")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many runs; start again for the others.")
def main(
    out: Path,
    seeds: tuple[int, ...],
    delays: tuple[int, ...],
    only: tuple[str, ...],
    epochs: int,
    train_size: int,
    at_most: int | None,
) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets

    kinds = chosen(only, KINDS, "--kind")
    runs = complete(
        out,
        {
            "what": "Rows of MNIST, then rows of noise: test accuracy after the last epoch, and the share of the last "
            "gradient by the memory that is left at the end of the digit.",
            "settings": {**SETTINGS, "epochs": epochs, "train_size": train_size},
            "kinds": KINDS,
        },
        [{"kind": kind, "delay": delay, "seed": seed} for seed in seeds for delay in delays for kind in kinds],
        load=lambda: datasets.load("mnist"),
        run=lambda dataset, job: _measured(dataset, **job, epochs=epochs, train_size=train_size),
        tell=lambda run: (
            f"{run['kind']}, {run['delay']} rows of noise, seed {run['seed']}: test accuracy "
            f"{run['test_accuracy']:.4f}, {run['seconds']:.0f} s"
        ),
        at_most=at_most,
    )
    for delay in delays:
        click.echo(f"{delay} rows of noise:")
        tell_means([run for run in runs if run["delay"] == delay], "kind")


def _measured(dataset: Any, kind: str, delay: int, seed: int, *, epochs: int, train_size: int) -> dict[str, Any]:
    """Train one network, and return its size, its accuracy, its gradients and its seconds of training."""
    import keras

    from cnn_course import lesson, sequences, training

    keras.backend.clear_session()
    lesson.seed_everything(seed)
    train, _, test = dataset.split(train_size, 0, seed=0)
    rows = sequences.with_noise(sequences.as_rows(train.images), delay, seed=seed)
    new = sequences.with_noise(sequences.as_rows(test.images), delay, seed=seed + 1000)
    layer, forget_bias, peak_rate = KINDS[kind]
    width = sequences.width_for(layer, SETTINGS["parameters"])
    network = sequences.sequence_network(layer, width=width, length=28 + delay, forget_bias=forget_bias)

    def share_left() -> float | None:
        if layer == "Conv1D":
            return None
        norms = sequences.gradient_norms(network, new[:200], test.labels[:200])
        return float(f"{norms[27] / norms[-1]:.3e}")

    before = share_left()
    steps = epochs * -(-len(train) // SETTINGS["batch_size"])
    network.compile(
        keras.optimizers.Adam(training.TriangularSchedule(peak_rate, steps), clipnorm=SETTINGS["clipnorm"]),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    began = time.perf_counter()
    history = network.fit(rows, train.labels, batch_size=SETTINGS["batch_size"], epochs=epochs, verbose=0).history
    seconds = time.perf_counter() - began
    _, accuracy = network.evaluate(new, test.labels, batch_size=500, verbose=0)
    return {
        "parameters": network.count_params(),
        "test_accuracy": round(accuracy, 4),
        "gradient_left_before": before,
        "gradient_left_after": share_left(),
        "seconds": round(seconds, 1),
        "loss": [round(value, 4) for value in history["loss"]],
    }


if __name__ == "__main__":
    main()
