"""Tests of a project find wrong documents, and documents that the code has left behind."""

import pytest

from tests.document_mutants import MUTANTS, PLACE, change, survey
from tests.examples import bake


def test_each_mutant_changes_the_project(tmp_path):
    """Each pattern is in its file, so no mutant survives because it changes nothing."""
    project = bake(tmp_path)
    for mutant in MUTANTS:
        before = change(project, mutant)
        after = {file: file.read_text("utf-8") for file in before}

        assert all(after[file] != text for file, text in before.items()), mutant
        for file, text in before.items():
            file.write_text(text, "utf-8")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_wrong_documents_are_found():
    """A test of the project names the file and line of each mutant but those of free sentences."""
    found = {mutant: named for mutant, _, named in survey()}

    assert len(found) == len(MUTANTS)
    assert {m.kind for m, named in found.items() if not PLACE.fullmatch(named)} <= {
        *("owner", "sentence")
    }
