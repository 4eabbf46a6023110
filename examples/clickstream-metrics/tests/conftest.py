"""What the tests share: a Spark session, servers, and settings for a folder of their own."""

import os
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

# Compiling less costs throughput, which no test needs, and saves half of a session's start.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Settings of dev with everything under a folder of the test's own, and some changed."""

    def make(*overrides: str) -> Settings:
        own = [
            f"sink.path={tmp_path}/result",
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
    """The job's own session, which every test shares."""
    jars.ensure("connectors")
    settings = load(Settings, "dev", ["state.partitions=1"])
    spark = session.build("tests", settings.session, settings.state, settings.spark_conf())
    yield spark
    spark.stop()


@pytest.fixture(scope="session", name="servers")
def _services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """The real servers that the job needs; each starts when a test first asks for it."""
    with LocalServers(tmp_path_factory.mktemp("servers")) as servers:
        yield servers
