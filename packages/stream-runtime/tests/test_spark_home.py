"""SPARK_HOME of the shell: PySpark starts the Spark that it names, whatever its version."""

import pyspark
import pytest
from stream_runtime.errors import SetupError
from stream_runtime.session import Session, State, build, require_spark

VERSION = pyspark.__version__


@pytest.fixture(autouse=True)
def _no_gateway(monkeypatch):
    """Provide an environment in which no Spark has been started."""
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)


def make_home(folder, version):
    """Make a folder that looks like that of a Spark; return it."""
    (folder / "jars").mkdir()
    (folder / f"jars/spark-core_2.13-{version}.jar").touch()
    return str(folder)


@pytest.mark.parametrize("version", ["3.5.1", f"1{VERSION}", f"{VERSION}1"])
def test_another_spark_is_refused(tmp_path, monkeypatch, version):
    """Another version would fail later, with an error of Java that names no cause."""
    monkeypatch.setenv("SPARK_HOME", make_home(tmp_path, version))

    with pytest.raises(SetupError, match=f"SPARK_HOME={tmp_path} has Spark {version}") as caught:
        build("name", Session(), State(), {})

    assert "Run `unset SPARK_HOME`" in str(caught.value)


@pytest.mark.parametrize("folder", ["", "not-there"])
def test_a_folder_without_spark_is_refused(tmp_path, monkeypatch, folder):
    """PySpark would start `bin/spark-submit` of a folder that has none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPARK_HOME", folder)

    with pytest.raises(SetupError, match=f"SPARK_HOME={folder} has no Spark"):
        require_spark()


@pytest.mark.parametrize("version", [VERSION, f"{VERSION}-vendor-1"])
def test_the_same_spark_is_accepted(tmp_path, monkeypatch, version):
    """SPARK_HOME may be the same version, also that of a vendor."""
    monkeypatch.setenv("SPARK_HOME", make_home(tmp_path, version))

    require_spark()


def test_spark_submit_has_its_own_spark(monkeypatch):
    """Under spark-submit, the Spark of SPARK_HOME already runs."""
    monkeypatch.setenv("SPARK_HOME", "/not-there")
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")

    require_spark()


def test_no_variable_is_needed(monkeypatch):
    """Without SPARK_HOME, PySpark starts its own Spark."""
    monkeypatch.delenv("SPARK_HOME", raising=False)

    require_spark()
