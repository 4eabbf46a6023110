"""Alerts and dashboard speak of metrics that the job exports, and lead to the runbook."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from stream_runtime import metrics

from {{ cookiecutter.__package }}.job import JOB

ROOT = Path(__file__).parents[1]
ALERTS, DASHBOARD = ROOT / "monitoring/alerts.yml", ROOT / "monitoring/dashboard.json"


@pytest.fixture(name="exported")
def _exported(monkeypatch):
    """The names that Prometheus would scrape."""
    registry = CollectorRegistry()
    monkeypatch.setattr(metrics, "CollectorRegistry", lambda: registry)
    metrics.Exporter(JOB.name, 0)
    samples = [sample for family in registry.collect() for sample in family.samples]
    return {sample.name for sample in samples if not sample.name.endswith("_created")}


def queries(text):
    """What is asked of Prometheus: the metrics, and the job that they are of."""
    return re.findall(r'(stream_\w+)\{job=\\?"([^"\\]+)\\?"\}', text)


def test_alerts_watch_exported_metrics_of_this_job(exported):
    """A wrong name would make an alert silent."""
    text = ALERTS.read_text("utf-8")
    expressions = "\n".join(re.findall(r"expr: (.+)", text))
    asked = queries(expressions)

    assert {name for name, _ in asked} <= exported
    assert {name for _, name in asked} == {JOB.name}
    assert len(asked) == expressions.count("stream_")


def test_every_metric_is_on_the_dashboard(exported):
{% set job = cookiecutter | stream_plan %}
{% if job.measures_backlog %}
    """A panel shows each, and none shows another."""
{% elif not job.reports %}
    """A panel shows each but what Spark does not tell of a continuous query; none shows another."""
    exported -= {f"stream_{name}" for name in ("backlog_rows", "invalid_rows_total")}
    exported -= {"stream_unknown_field_rows_total"}
{% else %}
    """A panel shows each but the backlog, which this source does not know; none shows another."""
    exported -= {"stream_backlog_rows"}
{% endif %}
{% if not job.deduplicates %}
    # Of repeats, which this job does not drop, there is nothing to see.
    exported -= {"stream_duplicates_dropped_total"}
{% endif %}
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    asked = queries("\n".join(target["expr"] for panel in panels for target in panel["targets"]))

    assert {name for name, _ in asked} == exported
    assert {name for _, name in asked} == {JOB.name}


def test_every_alert_leads_to_the_runbook():
    """Each says what happened, what it means, and under which heading to read on."""
    text = ALERTS.read_text("utf-8")
    alerts = re.split(r"- alert: ", text)[1:]
    runbook = (ROOT / "docs/runbook.md").read_text("utf-8")
    anchors = {line[3:].lower().replace(" ", "-") for line in runbook.splitlines()}

    assert alerts
    for alert in alerts:
        assert "summary: " in alert
        assert "description: " in alert
        assert re.search(r"runbook: docs/runbook\.md#(\S+)", alert)[1] in anchors
