"""The fixtures of the tests: a Spark session, servers, and settings with a temporary folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from stream_devkit import jars
from stream_devkit.servers.local import LocalServers
from stream_runtime import session
from stream_runtime.config import load

from clickstream_metrics.settings import Settings

MakeSettings = Callable[..., Settings]


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Return a function that loads the settings of dev, with paths and durations of the tests."""

    def make(*overrides: str) -> Settings:
        own = [
            f"sink.path={tmp_path}/result",
            "watermark.delay=10 minutes",
            "window.duration=5 minutes",
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
    jars.ensure("connectors")
    settings = load(Settings, "dev", ["state.partitions=1"])
    spark = session.build("tests", settings.session, settings.state, settings.spark_conf())
    yield spark
    spark.stop()


@pytest.fixture(scope="session", name="servers")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """Yield the real servers that the job needs; each starts when a test first uses it."""
    with LocalServers(tmp_path_factory.mktemp("servers")) as servers:
        yield servers
