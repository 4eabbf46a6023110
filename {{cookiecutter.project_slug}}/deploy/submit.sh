{% set job = cookiecutter | stream_plan %}
#!/usr/bin/env bash
# One command of the job on the cluster: deploy/submit.sh run|stop|doctor --env prod
#
# This machine holds a checkout of the release in which `make jars` was run once: that makes .venv
# and fetches the jars with which the tests ran. PySpark itself comes from SPARK_HOME.
#
# The driver runs here, in client mode, so that the job's exit code is that of this script.
{% if job.custom %}
# Executors run the state's code, in the same Python: each worker needs this checkout with its .venv
# in the same place, by a shared file system or a copy.
{% else %}
# Executors start no Python, all work is done by Spark's own operators: they need the jars only.
{% endif %}
set -euo pipefail
cd "$(dirname "$0")/.."

{% if "connectors" in job.jars %}
jars=(.jars/connectors/*.jar)
{% endif %}
{% if job.low_latency %}
# More cores than the topic has partitions: each holds one for good, and quarantine needs one more.
{% else %}
# Together about as many cores as state.partitions; a fixed number, for no batch lasts long enough
# to wait for more.
{% endif %}
resources=(
    --driver-memory 2g
    --executor-memory 2g
    --executor-cores 2
    --conf spark.executor.instances=4
    --conf spark.dynamicAllocation.enabled=false
)

export PYSPARK_DRIVER_PYTHON="$PWD/.venv/bin/python"
{% if job.custom %}
export PYSPARK_PYTHON="$PWD/.venv/bin/python"
{% endif %}
exec "${SPARK_HOME:?must be the folder of Spark {{ job.versions.pyspark }}}/bin/spark-submit" \
    --master "${SPARK_MASTER:?must be the cluster: yarn, or spark://host:7077}" \
    --deploy-mode client \
{% if "connectors" in job.jars %}
    --jars "$(IFS=, && echo "${jars[*]}")" \
{% endif %}
    --driver-java-options "-Dlog4j2.configurationFile=conf/log4j2.properties" \
    "${resources[@]}" \
    deploy/main.py "$@"
