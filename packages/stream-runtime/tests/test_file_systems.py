"""A folder with a scheme that Spark cannot open: one line that names the jar."""

from pathlib import Path

import pyspark
import pytest
from stream_runtime.errors import SetupError
from stream_runtime.storage import advise_store, require_file_system, storage

HADOOP = next(Path(pyspark.__file__).parent.glob("jars/hadoop-client-api-*.jar"))
VERSION = HADOOP.stem.rpartition("-")[2]


@pytest.mark.parametrize(
    ("scheme", "artifact"),
    [("s3a", "hadoop-aws"), ("abfs", "hadoop-azure"), ("abfss", "hadoop-azure")],
)
def test_a_missing_file_system_has_a_jar(spark, scheme, artifact):
    """The message has the setting, the cause, and the coordinate for this version of Hadoop."""
    with pytest.raises(SetupError) as caught:
        require_file_system("sink.path", f"{scheme}://bucket/x", spark)

    problem, _, advice = str(caught.value).partition("). ")
    assert problem.startswith(f"sink.path = {scheme}://bucket/x: Spark cannot open {scheme}: (")
    assert "not found" in problem
    assert advice.startswith(f"Add org.apache.hadoop:{artifact}:{VERSION} to `connectors` in")
    assert "\n" not in str(caught.value)


def test_a_checkpoint_without_file_system_is_no_stack_trace(spark):
    """The commands that open a checkpoint only, such as `status`, say the same."""
    with pytest.raises(SetupError, match="The folder = s3a://bucket/x: Spark cannot open s3a"):
        storage("s3a://bucket/x", spark)


@pytest.mark.parametrize("location", ["/data", "file:/data", "hdfs://namenode/data"])
def test_spark_opens_these_without_a_jar(spark, location):
    """Local folders and HDFS need no further jar; no server is asked."""
    require_file_system("sink.path", location, spark)


def test_another_scheme_lists_the_known_ones():
    """A scheme such as s3 is no scheme of Hadoop: the message lists those that are."""
    assert advise_store("s3", VERSION) == "Use hdfs, s3a, abfs, abfss, gs or file, or add its jar."


def test_gs_has_a_jar_since_hadoop_3_5():
    """The message names the coordinate of Hadoop's own connector."""
    assert "org.apache.hadoop:hadoop-gcp:3.5.0 to `connectors`" in advise_store("gs", "3.5.0")


def test_an_older_hadoop_has_no_jar_for_gs():
    """hadoop-gcp exists since Hadoop 3.5, so no message names an older one."""
    assert advise_store("gs", "3.4.2").startswith("Hadoop 3.4.2 has none: use Spark 4.2")
