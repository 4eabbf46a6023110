"""`make chaos` of a generated project: failures at random moments, with real servers."""

import pytest

from tests import chaos, faults
from tests.examples import ROOT

IDEMPOTENT = 'return rows.writeStream.format("delta").option("path", self.path)'
PLAIN = """return rows.writeStream.foreachBatch(
            lambda batch, _: batch.write.format("delta").mode("append").save(self.path)
        )"""


@pytest.mark.life
def test_failures_lose_and_duplicate_nothing():
    """After a dead JVM, a lost commit and a crash of the servers, all rows are exact."""
    kinds = "kill-jvm,forget-commit,restart-servers"

    found = chaos.run("jdbc", seed=1, failures=3, only=kinds)

    assert found.failures.total() == 3
    assert found.verdict == "exact"


def write_without_batch_ids(project):
    """Let the sink append a batch whenever Spark gives it one, as the common snippets do."""
    (module,) = project.glob("src/*/sink.py")
    text = module.read_text("utf-8")
    assert IDEMPOTENT in text
    module.write_text(text.replace(IDEMPOTENT, PLAIN), "utf-8")


@pytest.mark.life
def test_a_sink_without_batch_ids_is_not_exact():
    """Negative control: a batch that is replayed is in the target twice."""
    kinds = "forget-commit"

    found = chaos.run("delta", 1, failures=1, only=kinds, change=write_without_batch_ids)

    assert "rows where" in found.verdict


def test_each_known_fault_has_a_test():
    """The tests that proof/faults.md names exist."""
    for fault in faults.FAULTS:
        assert f"def {fault.test}(" in (ROOT / fault.file).read_text("utf-8"), fault.what


def test_the_page_has_each_fault():
    """The second part of proof/faults.md is that of the code."""
    assert chaos.PAGE.read_text("utf-8").endswith(faults.render_faults())
