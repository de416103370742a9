"""From notebook to service: export, TensorFlow Serving's REST contract, batching, versions, metrics and drift.

Derived in lesson 13.
"""

from cnn_course.serving.app import create_app
from cnn_course.serving.batching import Batcher, joined, split
from cnn_course.serving.contract import Limits, Signature, TensorInfo
from cnn_course.serving.drift import (
    bucket_counts,
    image_statistics,
    population_stability,
    stability_bound,
    without_rare,
)
from cnn_course.serving.elsewhere import container_command, kserve_manifest
from cnn_course.serving.errors import RequestError, ServingError
from cnn_course.serving.export import class_names, export, preparation
from cnn_course.serving.load import Clients, Load, load
from cnn_course.serving.metrics import BRIGHTNESS, CONTRAST, SECONDS, Metrics
from cnn_course.serving.monitoring import (
    Buckets,
    Prometheus,
    Scrape,
    Scraper,
    prometheus,
    quantile,
    read_metrics,
    scrape,
)
from cnn_course.serving.parsing import parse
from cnn_course.serving.server import LOCAL, PORT, Server, bound, serve
from cnn_course.serving.versions import Version, Versions, VersionState, version_folders

__all__ = [
    "BRIGHTNESS",
    "CONTRAST",
    "LOCAL",
    "PORT",
    "SECONDS",
    "Batcher",
    "Buckets",
    "Clients",
    "Limits",
    "Load",
    "Metrics",
    "Prometheus",
    "RequestError",
    "Scrape",
    "Scraper",
    "Server",
    "ServingError",
    "Signature",
    "TensorInfo",
    "Version",
    "VersionState",
    "Versions",
    "bound",
    "bucket_counts",
    "class_names",
    "container_command",
    "create_app",
    "export",
    "image_statistics",
    "joined",
    "kserve_manifest",
    "load",
    "parse",
    "population_stability",
    "preparation",
    "prometheus",
    "quantile",
    "read_metrics",
    "scrape",
    "serve",
    "split",
    "stability_bound",
    "version_folders",
    "without_rare",
]
