"""What all benchmarks share: runs that are stored one by one, and a script that goes on where it was stopped."""

import json
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from cnn_course import datasets, machine

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
ABOUT = {"what": "Squares.", "settings": {"sizes": (1, 2)}}
JOBS = [{"side": side, "seed": seed} for side in (2, 3) for seed in (0, 1)]


@pytest.fixture
def stored_runs(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", ["squares.py", "--out", "anywhere.json", "--size", "2"])
    import stored_runs

    return stored_runs


def square(dataset, job):
    assert dataset.name == "shapes10"
    return {"area": job["side"] ** 2}


def complete(stored_runs, out, *, about=ABOUT, run=square, at_most=None):
    return stored_runs.complete(
        out,
        about,
        JOBS,
        load=lambda: datasets.load("shapes10", size=20),
        run=run,
        tell=lambda run: f"side {run['side']}: area {run['area']}",
        at_most=at_most,
    )


def test_a_stopped_benchmark_goes_on_with_what_is_missing(stored_runs, tmp_path, capsys):
    out, done = tmp_path / "results" / "squares.json", []

    def counted(dataset, job):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(job)
        return square(dataset, job)

    with pytest.raises(KeyboardInterrupt):
        complete(stored_runs, out, run=counted)
    assert [run["area"] for run in json.loads(out.read_text())["runs"]] == [4, 4]
    done.clear()
    assert [run["area"] for run in complete(stored_runs, out, run=counted)] == [4, 4, 9, 9]
    assert done == JOBS[2:]
    assert "2/2  side 3: area 9; 0 min left" in capsys.readouterr().out
    assert not list(out.parent.glob("*.part"))


def test_means_are_told_for_each_group_in_the_order_of_the_runs(stored_runs, capsys):
    values = [("slow", 0.5, 10), ("fast", 0.9, 2), ("slow", 0.7, 20)]
    runs = [{"kind": kind, "test_accuracy": accuracy, "seconds": seconds} for kind, accuracy, seconds in values]
    stored_runs.tell_means(runs, "kind")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["slow", "2", "seeds", "mean", "0.6000", "15", "s"],
        ["fast", "1", "seeds", "mean", "0.9000", "2", "s"],
    ]


def test_batches_that_would_see_fewer_images_than_others_are_refused(stored_runs, tmp_path):
    import cifar10_large_batch as benchmark

    given = ["--out", str(tmp_path / "out.json"), "--batches", "125,800", "--train-size", "1500"]
    done = CliRunner().invoke(benchmark.main, given)
    assert done.exit_code == 1
    assert "1500 training images are no whole number of batches of 800 images" in done.output
    assert not list(tmp_path.iterdir())


def test_the_control_runs_with_the_smallest_batch_only_and_at_four_times_its_rate(stored_runs):
    import cifar10_large_batch as benchmark

    jobs = benchmark._jobs(benchmark.RULES, (125, 500), (0, 1))
    assert [(job["rule"], job["batch_size"]) for job in jobs if job["seed"] == 1] == [
        ("same rate", 125),
        ("4 times the rate", 125),
        ("same rate", 500),
        ("scaled", 500),
        ("scaled, warm-up", 500),
    ]
    found = {
        (rule, size): [float(benchmark._schedule(rule, size, 10, 4)(step)) for step in (0, 10, 20)]
        for rule, size in ((job["rule"], job["batch_size"]) for job in jobs)
    }
    rate = benchmark.SETTINGS["rate"]
    falling = np.array([1, 0.75, 0.5])
    for rule, size, times in (("same rate", 500, 1), ("scaled", 500, 4), ("4 times the rate", 125, 4)):
        np.testing.assert_allclose(found[rule, size], times * rate * falling, rtol=1e-5)
    np.testing.assert_allclose(found["scaled, warm-up", 500], rate * np.array([1, 4, 4 * 2 / 3]), rtol=1e-5)


def test_time_to_accuracy_is_that_of_the_first_epoch_that_reaches_a_level(stored_runs, capsys):
    import cifar10_time_to_accuracy as benchmark

    accuracies = {
        "recipe": ([0.7, 0.85, 0.79], [0.7, 0.91, 0.91]),
        "articles' CNN": ([0.6, 0.79, 0.8], [0.6, 0.8, 0.8]),
    }
    runs = [
        {"contender": name, "seed": 0, "seconds": [50, 100, 300], "test_accuracy": {"1": one, "2": two}}
        for name, (one, two) in accuracies.items()
    ]
    benchmark._print_table(runs, "2")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows[0] == ["recipe", "(0)", "50", "100", "100", "never", "91.00%", "91.00%", "300", "s"]
    assert rows[1] == ["articles'", "CNN", "(0)", "100", "100", "never", "never", "80.00%", "80.00%", "300", "s"]
    benchmark._print_comparison(runs)
    assert capsys.readouterr().out == (
        "to 80%, seed 0: the recipe 100 s, the articles' CNN 300 s (3.0 times as long)\n"
    )
    runs[1]["test_accuracy"]["1"][-1] = 0.79
    benchmark._print_comparison(runs)
    assert capsys.readouterr().out.endswith("the articles' CNN never gets there\n")


def test_the_file_says_where_it_comes_from(stored_runs, tmp_path):
    complete(stored_runs, tmp_path / "squares.json", at_most=1)
    stored = json.loads((tmp_path / "squares.json").read_text())
    assert stored["provenance"]["command"] == "python benchmarks/squares.py --size 2"
    assert len(stored["provenance"]["commit"].split()[0]) in (len("unknown"), 40)
    assert stored["runs"][0]["made_on"].endswith(f"{machine.usable_cores()} cores")
    assert stored["data"]["name"] == "shapes10"
    assert str(tmp_path) not in json.dumps(stored)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--out", "/home/me/a.json", "--seeds", "0,1"], "--seeds 0,1"),
        (["--out=/home/me/a.json", "--seeds=0,1"], "--seeds=0,1"),
        (["--folder", "/home/me/cache", "--at-most=2"], ""),
        (["--encoder", "/home/me/simclr.npz"], "--encoder simclr.npz"),
        (["--encoder=/home/me/simclr.npz"], "--encoder=simclr.npz"),
    ],
)
def test_the_command_that_is_stored_names_no_folder_of_this_machine(stored_runs, words, shown):
    import provenance

    assert provenance.command(["/home/me/benchmarks/squares.py", *words]) == (
        f"python benchmarks/squares.py {shown}".rstrip()
    )


def test_without_git_or_a_checkout_a_measurement_is_stored_all_the_same(stored_runs, tmp_path, monkeypatch):
    import provenance

    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.commit() == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))
    complete(stored_runs, tmp_path / "squares.json", at_most=1)
    assert json.loads((tmp_path / "squares.json").read_text())["provenance"]["commit"] == "unknown"


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(stored_runs, tmp_path):
    (tmp_path / "results").write_text("a file in the place of the folder")
    with pytest.raises(click.ClickException, match=r"squares\.json cannot be written: .* Give another --out"):
        stored_runs.complete(tmp_path / "results" / "squares.json", ABOUT, JOBS, load=None, run=None, tell=None)


def test_runs_made_with_other_settings_are_not_mixed(stored_runs, tmp_path):
    out = tmp_path / "squares.json"
    complete(stored_runs, out)
    before = out.read_bytes()
    with pytest.raises(click.ClickException, match="other settings"):
        complete(stored_runs, out, about={**ABOUT, "settings": {"sizes": (1, 3)}})
    assert out.read_bytes() == before


def test_a_job_whose_own_settings_changed_is_done_anew_and_only_its_new_run_is_returned(stored_runs, tmp_path):
    def with_rate(rate):
        return stored_runs.complete(
            tmp_path / "squares.json",
            {"what": "Squares."},
            [{"side": 2, "settings": {"rate": rate, "sizes": (1, 2)}}, {"side": 3, "settings": {"rate": 0.1}}],
            load=lambda: datasets.load("shapes10", size=20),
            run=square,
            tell=lambda run: "",
        )

    with_rate(0.1)
    assert [run["settings"]["rate"] for run in with_rate(0.2)] == [0.2, 0.1]
    assert len(json.loads((tmp_path / "squares.json").read_text())["runs"]) == 3


def test_nothing_is_loaded_when_nothing_is_missing(stored_runs, tmp_path, capsys):
    complete(stored_runs, tmp_path / "squares.json")
    runs = stored_runs.complete(tmp_path / "squares.json", ABOUT, JOBS, load=None, run=None, tell=None)
    assert len(runs) == 4
    assert "All 4 runs are in" in capsys.readouterr().out


def test_a_data_set_that_cannot_be_had_is_a_message_without_a_traceback(stored_runs, tmp_path):
    def load():
        raise datasets.DatasetUnavailable("cifar10 cannot be had, but here is what helps.")

    with pytest.raises(click.ClickException, match="here is what helps"):
        stored_runs.complete(tmp_path / "out.json", ABOUT, JOBS, load=load, run=square, tell=None)
    assert not (tmp_path / "out.json").exists()


WITHOUT_SEEDS = ("few_labels", "provenance", "stored_runs", "leaderboard", "readme_table")


@pytest.mark.parametrize("script", sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in WITHOUT_SEEDS))
def test_a_script_refuses_seeds_that_are_no_numbers_before_anything_is_loaded(stored_runs, script, tmp_path):
    main = __import__(script).main
    result = CliRunner().invoke(main, ["--seeds", "1,x", "--out", str(tmp_path / "out.json")])
    assert result.exit_code == 2
    assert "'1,x' is not a list of whole numbers" in result.output
    assert not (tmp_path / "out.json").exists()


def test_the_leaderboard_measures_what_has_stored_runs_and_writes_the_table(stored_runs, tmp_path, monkeypatch):
    import leaderboard as benchmark

    run = {"test_accuracy": {"1": 0.5, "2": 0.6}, "seconds": 10.0, "made_on": "CPU"}
    stored = {"runs": [{"recipe": "80,000 weights", "seed": seed, **run} for seed in (0, 1)]}
    (tmp_path / "cifar10_recipes.json").write_text(json.dumps(stored))
    monkeypatch.setitem(benchmark.SETTINGS, "repeats", 3)
    shapes = datasets.load("shapes10", size=200)
    monkeypatch.setattr(datasets, "load", lambda name: shapes)  # images of the same size, without a network
    out = tmp_path / "leaderboard.json"
    result = CliRunner().invoke(benchmark.main, ["--out", str(out), "--at-most", "1"])
    assert result.exit_code == 0, result.output
    assert "ResNet-20" in result.output.splitlines()[0]  # left out
    (measured,) = json.loads(out.read_text())["runs"]
    assert (measured["name"], measured["parameters"]) == ("fast, 80,000 weights", 76_320)
    table = out.with_suffix(".md").read_text()
    assert "| fast, 80,000 weights | 04 | 76,320 | 15.8 | 50.00 ± 0.00 (2) | 10 |" in table
    assert "2 views" not in table


def test_rates_of_the_hybrid_are_chosen_on_held_out_images_of_each_seed(stored_runs, tmp_path, monkeypatch):
    import cifar10_hybrid as benchmark

    from cnn_course import training

    shapes, trained = datasets.load("shapes10", size=400), []
    monkeypatch.setattr(datasets, "load", lambda name: shapes)  # images of the same size, without a network

    def train_one_cycle(network, train, *, peak_rate, **given):
        trained.append((peak_rate, train.images.tobytes()))
        return {"accuracy": [0.1]}

    monkeypatch.setattr(training, "train_one_cycle", train_one_cycle)
    given = ["--out", str(tmp_path / "out.json"), "--kind", "convolution", "--seeds", "0,1", "--sizes", "100"]
    refused = CliRunner().invoke(benchmark.main, [*given, "--rate", "0.01"])
    assert refused.exit_code == 2
    assert "give --held-out with --rate" in refused.output
    done = CliRunner().invoke(benchmark.main, [*given, "--rate", "0.01", "--rate", "0.003", "--held-out", "50"])
    assert done.exit_code == 0, done.output
    assert "rate 0.003, 100 images, seed 1: held-out accuracy" in done.output
    runs = json.loads((tmp_path / "out.json").read_text())["runs"]
    assert [(run["rate"], run["seed"], run["images"]) for run in runs] == [
        (rate, seed, 100) for seed in (0, 1) for rate in (0.01, 0.003)
    ]
    assert [rate for rate, _ in trained] == [0.01, 0.003, 0.01, 0.003]
    images = [seen for _, seen in trained]
    assert images[0] == images[1] != images[2] == images[3]
