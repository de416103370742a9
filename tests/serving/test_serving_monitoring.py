"""Quantiles from buckets, the drift of histograms, and what clients and scrapes say of a service."""

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cnn_course import serving
from cnn_course.serving.load import Answer
from cnn_course.serving.metrics import Metrics

EDGES = np.array([0.1, 0.2, 0.5, 1.0, np.inf])


@given(st.lists(st.integers(0, 20), min_size=5, max_size=5).filter(lambda c: sum(c[:4]) > 0), st.floats(0.01, 1))
def test_a_quantile_lies_on_the_line_through_the_cumulated_counts(counts, q):
    found = serving.quantile(EDGES, counts, q)
    up_to = np.cumsum(counts)
    if q * up_to[-1] > up_to[3]:  # beyond the last finite edge
        assert found == 1.0
    else:
        # Another way to the same line; where buckets are empty, its first point counts.
        places, shares = np.array([0.0, *EDGES[:4]]), np.array([0, *up_to[:4]], float)
        keep = np.concatenate([[True], np.diff(shares) > 0]) | np.concatenate([np.diff(shares) > 0, [False]])
        assert found == pytest.approx(np.interp(q * up_to[-1], shares[keep], places[keep]), abs=1e-9)


def test_of_values_beyond_the_last_edge_only_that_edge_is_told():
    assert serving.quantile([1, np.inf], [0, 5], 0.5) == 1


def test_a_quantile_without_values_is_not_a_number():
    assert np.isnan(serving.quantile(EDGES, np.zeros(5), 0.5))


def test_a_value_on_an_edge_belongs_to_the_bucket_below_as_in_prometheus():
    values = np.array([0.1, 0.15, 0.2, 0.7, 1.0, 3.0])
    metrics = Metrics()
    for value in (4, 4.5, 300):
        metrics.batch(value, 0.1)
    assert serving.bucket_counts(values, EDGES[:-1]).tolist() == [1, 2, 0, 2, 1]
    found = serving.read_metrics(metrics.text().decode()).buckets("cnn_course_batch_rows")
    assert found.edges.tolist() == [1, 2, 4, 8, 16, 32, 64, 128, 256, np.inf]
    assert found.counts.tolist() == serving.bucket_counts(np.array([4, 4.5, 300]), found.edges[:-1]).tolist()


def test_the_server_counts_brightness_and_contrast_of_images_and_their_classes():
    metrics, rng = Metrics(), np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 4, 4, 3), dtype=np.uint8) // rng.integers(1, 5, (20, 1, 1, 1), dtype=np.uint8)
    probabilities = rng.random((20, 3))
    metrics.images({"images": images}, {"probabilities": probabilities})
    metrics.images({"image_bytes": np.array([b"x"], object)}, {"label": np.array([b"a"], object)})
    found = serving.read_metrics(metrics.text().decode())
    for name, values, edges in zip(
        ("brightness", "contrast"),
        serving.image_statistics(images),
        (serving.BRIGHTNESS, serving.CONTRAST),
        strict=True,
    ):
        counts = found.buckets(f"cnn_course_input_{name}").counts
        assert counts.tolist() == serving.bucket_counts(values, edges).tolist()
    classes = found.by_label("cnn_course_answers_total", "class_index")
    assert {int(k): n for k, n in classes.items()} == dict(
        zip(*np.unique(probabilities.argmax(axis=1), return_counts=True), strict=True)
    )


COUNTS = st.lists(st.integers(0, 200), min_size=4, max_size=4).filter(any)


@given(COUNTS, COUNTS)
def test_the_stability_index_is_the_divergence_in_both_directions(reference, current):
    p, q = ((np.array(c) + 0.5) / (np.array(c) + 0.5).sum() for c in (reference, current))
    both = stats.entropy(p, q) + stats.entropy(q, p)
    assert serving.population_stability(reference, current) == pytest.approx(both, abs=1e-12)


def test_the_bound_is_exceeded_by_chance_as_rarely_as_it_says():
    rng, shares = np.random.default_rng(0), np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    index = [
        serving.population_stability(rng.multinomial(800, shares), rng.multinomial(200, shares)) for _ in range(4000)
    ]
    for level in (0.9, 0.99):
        above = np.mean(np.array(index) > serving.stability_bound(800, 200, 5, level=level))
        assert above == pytest.approx(1 - level, rel=0.25)


@given(COUNTS, COUNTS, st.floats(0.01, 0.5))
def test_joined_buckets_hold_their_share_and_lose_nothing(reference, current, share):
    joined_reference, joined_current = serving.without_rare(np.array(reference), np.array(current), share=share)
    assert joined_reference.sum() == sum(reference)
    assert joined_current.sum() == sum(current)
    assert len(joined_reference) == len(joined_current)
    assert (joined_reference >= share * sum(reference)).all() or len(joined_reference) == 1


@pytest.mark.parametrize(
    ("reference", "current", "reason"), [([1, 2], [1, 2, 3], "must be equal"), ([0, 0], [1, 2], "without observations")]
)
def test_histograms_that_cannot_be_compared(reference, current, reason):
    with pytest.raises(ValueError, match=reason):
        serving.population_stability(reference, current)


def test_clients_tell_percentiles_and_every_kind_of_trouble():
    answers = [Answer(0, 0.0, k / 1000, 200, b'{"predictions": [[0.5]]}') for k in range(101)]
    load = serving.Load(1, 2.0, answers)
    assert load.milliseconds(50, 95).tolist() == pytest.approx([50, 95])
    assert load.per_second == 50.5
    assert load.furthest(np.array([[0.25]])) == 0.25
    assert load.furthest(np.array([[0.25, 0.75]])) == np.inf
    assert serving.Load(1, 2.0, [*answers, Answer(0, 0, 0, 503, b"")]).furthest(np.array([[0.5]])) == np.inf
    assert serving.Load(1, 2.0, answers, ["ConnectionResetError"]).furthest(np.array([[0.5]])) == np.inf


def test_clients_count_what_is_lost():
    listener = serving.bound("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    listener.close()
    found = serving.load(url, [b""], clients=2, seconds=0.05)
    assert found.answers == []
    assert found.lost[0].startswith("ConnectionRefusedError")


def test_scrapes_over_time_are_of_one_service(half, eventually):
    with serving.Server(serving.create_app(half.folder, versions=half)) as server:
        url, body = f"{server.address}/v1/models/half:predict", b'{"instances": [1]}'
        with serving.Scraper(server.address, every=0.02) as scraper, serving.Clients(url, [body], 1):
            eventually(lambda: len(scraper.scrapes) > 3)
        counts = [b.difference(a, "cnn_course_request_seconds_count", code="200") for a, b in scraper.windows()]
    assert len(counts) >= 3
    assert sum(counts) == scraper.scrapes[-1].value("cnn_course_request_seconds_count", code="200") > 0


def test_without_prometheus_there_is_none(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with serving.prometheus("http://127.0.0.1:1") as real:
        assert real is None


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
def test_prometheus_scrapes_the_service_and_agrees(half, eventually):
    with (
        serving.Server(serving.create_app(half.folder, versions=half)) as server,
        serving.prometheus(server.address, every=0.2) as real,
    ):
        assert real is not None
        found = serving.load(f"{server.address}/v1/models/half:predict", [b'{"instances": [1]}'], clients=2, seconds=2)
        total = 'sum(cnn_course_request_seconds_count{action="predict", code="200"})'
        eventually(lambda: real.ask(total) == len(found.answers))  # some scrapes later
        bucket = 'cnn_course_request_seconds_bucket{action="predict", code="200"}'
        asked = real.ask(f"histogram_quantile(0.95, sum by (le) ({bucket}))")
        own = serving.scrape(server.address).buckets("cnn_course_request_seconds", action="predict", code="200")
    assert asked == pytest.approx(own.quantile(0.95))
