"""The ids of what a job reads and writes: stored by a start, and compared by each later one."""

import json
from types import SimpleNamespace

import pytest
from stream_runtime.data_ids import FILE, find_data_ids, record_data_ids
from stream_runtime.errors import CheckpointError
from stream_runtime.storage import LocalStorage

FIRST = {"clicks": "id 1", "views": "id 2"}
RESULT = {"result": "id 3"}


def make_settings(read=FIRST, written=RESULT, *, requires_all_data=True):
    """Return settings with a source and a sink that have these ids."""
    source = SimpleNamespace(
        NAME="source", data_ids=lambda _: read, requires_all_data=requires_all_data
    )
    sink = SimpleNamespace(NAME="sink", data_ids=lambda _: written)
    return SimpleNamespace(sources=lambda: [source], sink=sink)


def start(root, *given, **named):
    """Start a job: compare the ids and store them."""
    settings = make_settings(*given, **named)
    record_data_ids(None, root, settings, find_data_ids(None, root, settings))


@pytest.fixture(name="root")
def _root(tmp_path):
    """Return the root of a checkpoint that has committed a batch with the first ids."""
    root = LocalStorage(tmp_path)
    start(root)
    for log in ("offsets", "commits"):
        root.write(f"stream/{log}/0", "v1")
    return root


def read(root):
    """Return the stored ids."""
    return json.loads(root.read(FILE))


def test_the_first_start_stores_the_ids(root):
    """The ids are those of all that the source reads, and of the target."""
    assert read(root) == {"source": FIRST, "sink": RESULT}


def test_a_target_that_the_start_creates_has_its_id_from_then_on(tmp_path):
    """It does not exist when the start compares the ids."""
    root = LocalStorage(tmp_path)
    found = find_data_ids(None, root, make_settings(written={}))
    record_data_ids(None, root, make_settings(), found)

    assert read(root)["sink"] == RESULT


def test_new_names_are_added_and_missing_ones_are_kept(root):
    """A topic that does not exist now could be created again later."""
    start(root, {"clicks": "id 1", "buys": "id 3"})

    assert read(root)["source"] == {**FIRST, "buys": "id 3"}


def test_another_id_of_a_source_is_refused(root):
    """The start names what was created again, and the stored ids stay."""
    with pytest.raises(CheckpointError, match=r"^clicks of \[source\] is not what .* has read"):
        start(root, {"clicks": "id 9", "views": "id 2"})

    assert read(root)["source"] == FIRST


@pytest.mark.parametrize(
    ("written", "cause"),
    [
        ({"result": "id 9"}, "it was deleted and created again"),
        ({"other": "id 4"}, "the setting named result before"),
    ],
)
def test_another_target_is_refused(root, written, cause):
    """Another topic, or one that was created again, does not have the result so far."""
    with pytest.raises(CheckpointError, match=rf"of \[sink\] is not what .*: {cause}") as refused:
        start(root, FIRST, written)

    assert f'remove "sink" from {FILE}' in str(refused.value)
    assert read(root)["sink"] == RESULT


def test_a_target_is_accepted_without_its_stored_id(root):
    """This is the way that the refusal names."""
    root.write(FILE, json.dumps({"source": FIRST}))

    start(root, FIRST, {"other": "id 4"})

    assert read(root)["sink"] == {"other": "id 4"}


def test_a_missing_target_keeps_its_id(root):
    """It could be created again while the job does not run."""
    start(root, FIRST, {})

    assert read(root)["sink"] == RESULT


def test_a_source_that_may_lose_data_accepts_another_id(root):
    """The owner accepts that the offsets name other records; the new id is stored."""
    start(root, {"clicks": "id 9"}, requires_all_data=False)

    assert read(root)["source"]["clicks"] == "id 9"


def test_a_position_without_a_batch_belongs_to_its_topic(tmp_path):
    """Spark stores the first position before the first batch."""
    root = LocalStorage(tmp_path)
    start(root)
    root.write("stream/sources/0/0", "v1")

    with pytest.raises(CheckpointError, match="is not what the checkpoint has read"):
        start(root, {"clicks": "id 9"})


def test_before_the_first_batch_each_id_is_accepted(tmp_path):
    """No offset is planned yet, so a topic may be created again."""
    root = LocalStorage(tmp_path)
    start(root)

    start(root, {"clicks": "id 9"}, {"other": "id 4"})

    assert read(root) == {"source": {"clicks": "id 9"}, "sink": {"other": "id 4"}}


def test_a_checkpoint_of_an_older_runtime_has_no_ids(root):
    """Its next start stores them."""
    root.remove(FILE)

    start(root, {"clicks": "id 9"}, {"other": "id 4"})

    assert read(root) == {"source": {"clicks": "id 9"}, "sink": {"other": "id 4"}}


def test_systems_without_ids_need_no_file(tmp_path):
    """The checkpoint of a job that reads files has no file of ids."""
    root = LocalStorage(tmp_path)

    start(root, {}, {})

    assert root.read(FILE) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"source": 3}'])
def test_a_damaged_file_is_refused(root, text):
    """The message says what to do; nothing is overwritten."""
    root.write(FILE, text)

    with pytest.raises(CheckpointError, match=r"data_ids.json .* is damaged.* Restore that file"):
        start(root)

    assert root.read(FILE) == text
