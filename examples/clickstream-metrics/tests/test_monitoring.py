"""Alerts and dashboard use metrics that the job exports; alerts name the runbook."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from stream_runtime import metrics

from clickstream_metrics.job import JOB

ROOT = Path(__file__).parents[1]
ALERTS, DASHBOARD = ROOT / "monitoring/alerts.yml", ROOT / "monitoring/dashboard.json"


@pytest.fixture(name="exported")
def _exported(monkeypatch):
    """Return the names of the metrics that Prometheus scrapes."""
    registry = CollectorRegistry()
    monkeypatch.setattr(metrics, "CollectorRegistry", lambda: registry)
    metrics.Exporter(JOB.name, 0)
    samples = [sample for family in registry.collect() for sample in family.samples]
    return {sample.name for sample in samples if not sample.name.endswith("_created")}


def queries(text):
    """Return the metrics that a text queries, each with its job."""
    return re.findall(r'(stream_\w+)\{job=\\?"([^"\\]+)\\?"\}', text)


def line_of(part):
    """Return the first line of the alerts that has a text, with its file."""
    before, _, _ = ALERTS.read_text("utf-8").partition(part)
    return f"monitoring/alerts.yml:{before.count(chr(10)) + 1}"


def test_alerts_watch_exported_metrics_of_this_job(exported):
    """Each alert queries exported metrics of this job; a wrong name would never fire."""
    text = ALERTS.read_text("utf-8")
    expressions = "\n".join(re.findall(r"expr: (.+)", text))
    used = queries(expressions)
    unknown = {name for name, _ in used} - exported

    assert [f"{line_of(name)}: {name} is not exported" for name in sorted(unknown)] == []
    assert {name for _, name in used} == {JOB.name}
    assert len(used) == expressions.count("stream_")


def test_every_metric_is_on_the_dashboard(exported):
    """The panels show all exported metrics and no others."""
    # This job leaves out no file.
    exported -= {"stream_unreadable_files_total"}
    # This job does not drop duplicates.
    exported -= {"stream_duplicates_dropped_total"}
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    used = queries("\n".join(target["expr"] for panel in panels for target in panel["targets"]))

    assert {name for name, _ in used} == exported
    assert {name for _, name in used} == {JOB.name}


def test_every_alert_leads_to_the_runbook():
    """Each alert has a summary, a description, and a link to a heading of the runbook."""
    text = ALERTS.read_text("utf-8")
    alerts = re.split(r"- alert: ", text)[1:]
    runbook = (ROOT / "docs/runbook.md").read_text("utf-8")
    anchors = {line[3:].lower().replace(" ", "-") for line in runbook.splitlines()}

    assert alerts
    for alert in alerts:
        assert "summary: " in alert
        assert "description: " in alert
        anchor = re.search(r"runbook: docs/runbook\.md#(\S+)", alert)[1]
        assert anchor in anchors, f"{line_of(f'#{anchor}')}: no such section"
