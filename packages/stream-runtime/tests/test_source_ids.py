"""The ids of what the sources read: stored at the first start, and compared at each later one."""

import json
from types import SimpleNamespace

import pytest
from stream_runtime.errors import CheckpointError
from stream_runtime.source_ids import FILE, find_source_ids, record_source_ids
from stream_runtime.storage import LocalStorage

FIRST = {"clicks": "id 1", "views": "id 2"}


def make_source(ids, *, requires_all_data=True):
    """Return a source that reads these ids."""
    return SimpleNamespace(
        NAME="source", data_ids=lambda _: ids, requires_all_data=requires_all_data
    )


@pytest.fixture(name="root")
def _root(tmp_path):
    """Return the root of a checkpoint that has planned its first batch with the first ids."""
    root = LocalStorage(tmp_path)
    record_source_ids(None, root, [make_source(FIRST)])
    root.write("stream/offsets/0", "v1")
    return root


def read(root):
    """Return the stored ids of the source."""
    return json.loads(root.read(FILE))["source"]


def test_the_first_start_stores_the_ids(root):
    """The ids are those of all that the source reads."""
    assert read(root) == FIRST


def test_new_names_are_added_and_missing_ones_are_kept(root):
    """A topic that does not exist now could be created again later."""
    record_source_ids(None, root, [make_source({"clicks": "id 1", "buys": "id 3"})])

    assert read(root) == {**FIRST, "buys": "id 3"}


def test_another_id_of_a_name_is_refused(root):
    """The start names what was created again, and the stored ids stay."""
    again = make_source({"clicks": "id 9", "views": "id 2"})

    for compare in (find_source_ids, record_source_ids):
        with pytest.raises(CheckpointError, match=r"^clicks of \[source\] is not what .* has read"):
            compare(None, root, [again])

    assert read(root) == FIRST


def test_a_source_that_may_lose_data_accepts_another_id(root):
    """The owner accepts that the offsets name other records; the new id is stored."""
    record_source_ids(None, root, [make_source({"clicks": "id 9"}, requires_all_data=False)])

    assert read(root)["clicks"] == "id 9"


def test_a_position_without_a_batch_belongs_to_its_topic(tmp_path):
    """Spark stores the first position before the first batch."""
    root = LocalStorage(tmp_path)
    record_source_ids(None, root, [make_source(FIRST)])
    root.write("stream/sources/0/0", "v1")

    with pytest.raises(CheckpointError, match="is not what the checkpoint has read"):
        record_source_ids(None, root, [make_source({"clicks": "id 9"})])


def test_before_the_first_batch_each_id_is_accepted(tmp_path):
    """No offset is planned yet, so a topic may be created again."""
    root = LocalStorage(tmp_path)
    record_source_ids(None, root, [make_source(FIRST)])

    record_source_ids(None, root, [make_source({"clicks": "id 9"})])

    assert read(root) == {"clicks": "id 9"}


def test_a_checkpoint_of_an_older_runtime_has_no_ids(tmp_path):
    """Its next start stores them."""
    root = LocalStorage(tmp_path)
    root.write("stream/offsets/0", "v1")

    assert find_source_ids(None, root, [make_source(FIRST)]) == {"source": FIRST}


def test_a_source_without_ids_needs_no_file(tmp_path):
    """The checkpoint of a job that reads files has no file of ids."""
    root = LocalStorage(tmp_path)

    record_source_ids(None, root, [make_source({})])

    assert root.read(FILE) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"source": 3}'])
def test_a_damaged_file_is_refused(root, text):
    """The message says what to do; nothing is overwritten."""
    root.write(FILE, text)

    with pytest.raises(CheckpointError, match=r"sources.json .* is damaged.* Restore that file"):
        record_source_ids(None, root, [make_source(FIRST)])

    assert root.read(FILE) == text
