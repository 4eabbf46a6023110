#!/usr/bin/env bash
# One command of the job on the cluster: deploy/submit.sh run|create|stop|status|doctor --env prod
#
# This machine has a checkout of the release. Run `make jars` in it once: that creates .venv and
# downloads the jars that the tests use. PySpark itself comes from SPARK_HOME; it finds YARN and
# HDFS by HADOOP_CONF_DIR.
#
# The driver runs here, in client mode, so that the job's exit code is that of this script.
# Executors start no Python, because Spark's own operators do all work: they need only the jars.
set -euo pipefail
if [[ $# == 0 || $1 == --help ]]; then
    echo "deploy/submit.sh run|create|stop|status|doctor --env prod, with SPARK_HOME and SPARK_MASTER"
    exit 0
fi
if [[ -z ${SPARK_HOME:-} || -z ${SPARK_MASTER:-} ]]; then
    echo "Set SPARK_HOME to the folder of Spark 4.2.0, and SPARK_MASTER to the cluster: yarn, or spark://host:7077" >&2
    exit 5
fi
if [[ ! -x $SPARK_HOME/bin/spark-submit ]]; then
    echo "SPARK_HOME=$SPARK_HOME has no bin/spark-submit: set it to the folder of Spark 4.2.0" >&2
    exit 5
fi
cd "$(dirname "$0")/.."

jars=(.jars/connectors/*.jar)
# Together about as many cores as state.partitions. A fixed number: a batch would end before new
# executors have started.
resources=(
    --driver-memory 2g
    --executor-memory 2g
    --executor-cores 2
    --conf spark.executor.instances=4
    # For spark://, which ignores the number of executors: together as many cores as they have.
    --conf spark.cores.max=8
    --conf spark.dynamicAllocation.enabled=false
)

# Only `run` needs the cluster. The other commands must not wait until it has a place for them.
[[ $1 == run ]] || SPARK_MASTER="local[1]"

export PYSPARK_DRIVER_PYTHON="$PWD/.venv/bin/python"
exec "$SPARK_HOME/bin/spark-submit" \
    --master "$SPARK_MASTER" \
    --deploy-mode client \
    --jars "$(IFS=, && echo "${jars[*]}")" \
    --driver-java-options "-Dlog4j2.configurationFile=conf/log4j2.properties" \
    "${resources[@]}" \
    deploy/main.py "$@"
