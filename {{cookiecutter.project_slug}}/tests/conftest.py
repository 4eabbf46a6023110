{% set job = cookiecutter | stream_plan %}
"""The fixtures of the tests: a Spark session, servers, and settings with a temporary folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
{% if "connectors" in job.jars %}
from stream_devkit import jars
{% endif %}
from stream_devkit.servers.local import LocalServers
from stream_runtime import session
from stream_runtime.config import load

from {{ cookiecutter.__package }}.settings import Settings

{% if not job.source.server %}
from dev.producer import EventProducer
{% endif %}
{% if job.right %}
from tests.events import ONE_MATCH_EACH
{% endif %}
{% if job.right or not job.source.server %}

{% endif %}
MakeSettings = Callable[..., Settings]


@pytest.fixture
{% if job.source.server %}
def make_settings(tmp_path: Path) -> MakeSettings:
{% else %}
def make_settings(tmp_path: Path, servers: LocalServers) -> MakeSettings:
{% endif %}
{% if job.watermark %}
    """Return a function that loads the settings of dev, with paths and durations of the tests."""
{% else %}
    """Return a function that loads the settings of dev, with all paths in the test's folder."""
{% endif %}
{% if not job.source.server %}
    producer = EventProducer(servers, tmp_path, "events")
{% endif %}

    def make(*overrides: str) -> Settings:
        own = [
{% if not job.source.server %}
            *(f"{key}={value}" for key, value in producer.settings.items()),
{% endif %}
{% if job.sink.target_setting == "sink.path" %}
            f"sink.path={tmp_path}/result",
{% endif %}
{% if job.right %}
            *ONE_MATCH_EACH,
{% elif job.watermark %}
            "watermark.delay=10 minutes",
{% endif %}
{% if cookiecutter.window == "session" %}
            "window.gap=10 minutes",
{% elif cookiecutter.window == "sliding" %}
            *("window.duration=10 minutes", "window.slide=5 minutes"),
{% elif job.windowed %}
            "window.duration=5 minutes",
{% endif %}
            f"checkpoint.root={tmp_path}/checkpoint",
            f"quarantine.path={tmp_path}/quarantine",
            f"metrics.log={tmp_path}/metrics.jsonl",
        ]
        return load(Settings, "dev", [*own, *overrides])

    return make


@pytest.fixture(name="settings")
def _settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


@pytest.fixture(scope="session", name="spark")
def _spark() -> Iterator[SparkSession]:
    """Yield the Spark session of the job; all tests share it."""
{% if "connectors" in job.jars %}
    jars.ensure("connectors")
{% endif %}
    settings = load(Settings, "dev", ["state.partitions=1"])
    spark = session.build("tests", settings.session, settings.state, settings.spark_conf())
    yield spark
    spark.stop()


@pytest.fixture(scope="session", name="servers")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """Yield the real servers that the job needs; each starts when a test first uses it."""
    with LocalServers(tmp_path_factory.mktemp("servers")) as servers:
        yield servers
