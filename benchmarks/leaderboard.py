"""Measure what each network of the course costs on this machine, and write the table of all of them.

The accuracies and the seconds of training come from the other stored results; a network whose results are not there is
left out. What one answer costs is measured here, for all networks on the same machine: numbers, operations, bytes of a
LiteRT file, and the time of one answer in four ways, a warm call with one image (or with all views of one), LiteRT on
one thread. The networks have their first weights, since the cost does not depend on them. Those that travel with the
course trained are also judged as an int8 file, on all test images. Beside each network two fixed ones are timed, which
shows whether the machine was as busy for all of them.

Every finished network is stored at once in results/leaderboard.json; started again, the script goes on with those that
are missing, and writes results/leaderboard.md anew from what is stored. To measure all again, remove that file first.
Let nothing else run beside it.

    python benchmarks/leaderboard.py
"""

import dataclasses
from pathlib import Path
from typing import Any

import click
from stored_runs import complete

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {"repeats": 100, "representative_size": 100}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "leaderboard.json")
@click.option("--at-most", type=click.IntRange(1), help="Stop after this many networks; start again for the others.")
def main(out: Path, at_most: int | None) -> None:
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course import datasets, files, leaderboard

    all_known = {contender.name: contender for contender in leaderboard.contenders()}
    known = {name: contender for name, contender in all_known.items() if contender.runs(out.parent)}
    if left_out := all_known.keys() - known.keys():
        click.echo(f"Left out, as there are no stored runs: {'; '.join(sorted(left_out))}.")
    complete(
        out,
        {
            "what": "What one answer of each network costs: parameters, floating-point operations, bytes of a LiteRT "
            "file, milliseconds (median, 95th percentile); accuracy of an int8 file where there are trained weights.",
            "settings": SETTINGS,
        },
        [{"name": name} for name in known],
        load=lambda: datasets.load("cifar10"),
        run=lambda dataset, job: _measured(dataset, known[job["name"]]),
        tell=lambda run: (
            f"{run['name']}: {run['parameters']:,} parameters, {run['flops'] / 1e6:.1f} MFLOP, LiteRT float32 "
            f"{run['milliseconds']['LiteRT float32'][0]:.2f} ms"
        ),
        at_most=at_most,
    )
    table = leaderboard.rows(out.parent)
    with files.replacing(out.with_suffix(".md")) as beside:
        beside.write_text(_page(table), encoding="utf-8")
    click.echo(f"{len(table)} networks are in {out.with_suffix('.md')}.")


def _measured(dataset: Any, contender: Any) -> dict[str, Any]:
    """Return the cost of one network, and the accuracy of its int8 file where its trained weights are known."""
    import keras
    import numpy as np

    from cnn_course import datasets, leaderboard, models, quantization

    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = contender.build()
    splits = (dataset if contender.data == dataset.name else datasets.load(contender.data)).split(validation_size=0)
    representative = splits.train.images[: SETTINGS["representative_size"]]
    size = model.inputs[0].shape[1:3]
    sized = np.asarray(keras.ops.image.resize(representative.astype("float32"), size))
    found = dataclasses.asdict(
        leaderboard.measured(model, sized[: contender.views], sized, repeats=SETTINGS["repeats"])
    )
    found["yardstick"] = {name: round(value, 4) for name, value in leaderboard.yardstick().items()}
    found["milliseconds"] = {way: [round(value, 4) for value in both] for way, both in found["milliseconds"].items()}
    if contender.weights:
        model.set_weights(models.trained(contender.weights).get_weights())
        file = quantization.LiteRTClassifier(quantization.convert(model, "int8", representative=representative))
        views = (splits.test.images, splits.test.images[:, :, ::-1])[: contender.views]
        answers = sum(file.predict(each) for each in views).argmax(axis=1)
        found["int8_accuracy"] = round(100 * float((answers == splits.test.labels).mean()), 2)
    return found


def _page(table: Any) -> str:
    """Return the tables of all networks as a page, one for each set of images."""
    from cnn_course import leaderboard

    parts = [
        "# Leaderboard\n\nWritten by `python benchmarks/leaderboard.py` from the stored results. Test accuracy: mean ± "
        "standard deviation (number of runs); training: seconds of the shortest and the longest run, on the machines "
        "that their results files name. Milliseconds: median, 95th percentile of one answer; LiteRT on one thread.\n"
    ]
    for data in dict.fromkeys(row.data for row in table):
        parts.append(f"## {data}\n\n{leaderboard.as_markdown(row for row in table if row.data == data)}")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
