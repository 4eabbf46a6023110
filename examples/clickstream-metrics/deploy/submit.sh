#!/usr/bin/env bash
# One command of the job on the cluster: deploy/submit.sh run|stop|doctor --env prod
#
# This machine holds a checkout of the release in which `make jars` was run once: that makes .venv
# and fetches the jars with which the tests ran. PySpark itself comes from SPARK_HOME.
#
# The driver runs here, in client mode, so that the job's exit code is that of this script.
# Executors start no Python, all work is done by Spark's own operators: they need the jars only.
set -euo pipefail
cd "$(dirname "$0")/.."

jars=(.jars/connectors/*.jar)
# Together about as many cores as state.partitions; a fixed number, for no batch lasts long enough
# to wait for more.
resources=(
    --driver-memory 2g
    --executor-memory 2g
    --executor-cores 2
    --conf spark.executor.instances=4
    --conf spark.dynamicAllocation.enabled=false
)

export PYSPARK_DRIVER_PYTHON="$PWD/.venv/bin/python"
exec "${SPARK_HOME:?must be the folder of Spark 4.2.0}/bin/spark-submit" \
    --master "${SPARK_MASTER:?must be the cluster: yarn, or spark://host:7077}" \
    --deploy-mode client \
    --jars "$(IFS=, && echo "${jars[*]}")" \
    --driver-java-options "-Dlog4j2.configurationFile=conf/log4j2.properties" \
    "${resources[@]}" \
    deploy/main.py "$@"
