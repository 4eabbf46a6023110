"""The known faults of a stream, what the job promises for each, and the test that causes it."""

from dataclasses import dataclass

PROJECT = "{{cookiecutter.project_slug}}/tests"
RUNTIME = "packages/stream-runtime/tests"
TEXT = """
## One by one

Each of these faults is caused by a test, at exactly the step that matters. Tests under `templates/`
and `{{cookiecutter.project_slug}}` run in each generated project that has them.

| fault | promise | test |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Fault:
    """One fault: what happens, what the job does, and the test that shows it."""

    what: str
    promise: str
    file: str
    test: str

    def render(self):
        """Return its row."""
        return f"| {self.what} | {self.promise} | `{self.file}::{self.test}` |\n"


FAULTS = [
    Fault(
        "The driver is killed inside a batch",
        "The next start replays the batch: no row is lost or duplicated",
        f"{PROJECT}/test_recovery.py",
        "test_a_kill_leaves_the_result_exact",
    ),
    Fault(
        "The driver dies between the sink's commit and Spark's",
        "The replay changes nothing",
        f"{PROJECT}/test_recovery.py",
        "test_a_replayed_batch_changes_nothing",
    ),
    Fault(
        "The driver dies at any step of the writes to PostgreSQL",
        "No row is lost or duplicated",
        "templates/sink/jdbc/test.py",
        "test_a_driver_killed_at_any_step_loses_no_row",
    ),
    Fault(
        "The driver dies in a MERGE",
        "The batch is written once",
        "templates/sink/delta_merge/test.py",
        "test_a_killed_batch_is_written_once",
    ),
    Fault(
        "The driver dies while it writes files",
        "No reader sees the files of the interrupted batch",
        "templates/sink/files/test.py",
        "test_files_of_a_killed_batch_are_not_read",
    ),
    Fault(
        "The driver dies between Iceberg's commit and Spark's",
        "The replay changes nothing",
        "templates/sink/iceberg/test.py",
        "test_a_kill_between_the_two_commits_duplicates_nothing",
    ),
    Fault(
        "The driver dies while it writes to Kafka",
        "No record is lost, and duplicates have the same header",
        "templates/sink/kafka/test.py",
        "test_a_kill_loses_no_record_and_duplicates_are_marked",
    ),
    Fault(
        "The driver dies in a quarantine write",
        "Quarantine has every invalid record once",
        f"{RUNTIME}/test_quarantine.py",
        "test_a_kill_loses_and_duplicates_nothing",
    ),
    Fault(
        "The driver dies after a batch, before its quarantine write",
        "The next start repeats the write",
        f"{PROJECT}/test_recovery.py",
        "test_a_replayed_batch_has_its_quarantine_write",
    ),
    Fault(
        "The JVM dies",
        "The driver ends with exit code 4; the next start replays the batch",
        f"{RUNTIME}/test_lifecycle.py",
        "test_a_dead_jvm_ends_the_job",
    ),
    Fault(
        "An executor dies",
        "Another one runs its tasks",
        "tests/test_cluster.py",
        "test_a_killed_executor_loses_no_event",
    ),
    Fault(
        "PostgreSQL crashes with staged rows",
        "The next attempt stages them again",
        "templates/sink/jdbc/test.py",
        "test_a_crash_of_the_server_stages_the_batch_again",
    ),
    Fault(
        "A second driver starts on the checkpoint",
        "It is refused with exit code 3 and writes nothing",
        f"{RUNTIME}/test_checkpoint.py",
        "test_a_second_driver_is_refused",
    ),
    Fault(
        "A driver is suspended, and another one takes over",
        "The first one ends with exit code 3",
        f"{RUNTIME}/test_lease.py",
        "test_a_suspended_driver_is_replaced",
    ),
    Fault(
        "A driver dies on a storage without locks",
        "The next start waits for its lease, and takes over",
        f"{RUNTIME}/test_lease.py",
        "test_a_dead_driver_is_replaced_after_its_lease",
    ),
    Fault(
        "Two drivers write the same batch to PostgreSQL",
        "The ledger accepts one of them",
        "templates/sink/jdbc/test.py",
        "test_two_drivers_write_a_batch_once",
    ),
    Fault(
        "The checkpoint is lost, and the target is not",
        "A start is refused with exit code 3",
        f"{PROJECT}/test_recovery.py",
        "test_a_start_without_the_checkpoint_is_refused",
    ),
    Fault(
        "The checkpoint is an older copy than the target",
        "A start is refused with exit code 3",
        f"{PROJECT}/test_recovery.py",
        "test_a_checkpoint_that_is_older_than_the_target_is_refused",
    ),
    Fault(
        "The target is lost, and the checkpoint is not",
        "A start is refused with exit code 3",
        f"{RUNTIME}/test_progress.py",
        "test_a_missing_target_of_committed_batches_is_refused",
    ),
    Fault(
        "A file of the checkpoint is missing or truncated",
        "A start is refused with exit code 3 and names the file",
        f"{RUNTIME}/test_spark_log.py",
        "test_a_damaged_log_is_refused",
    ),
    Fault(
        "The query changes, and the checkpoint does not",
        "A start is refused with exit code 3",
        f"{PROJECT}/test_checkpoint.py",
        "test_a_pinned_setting_changes_the_fingerprint",
    ),
    Fault(
        "Kafka deletes messages before the job reads them",
        "A start is refused with exit code 3 and counts them",
        "templates/source/kafka/test.py",
        "test_messages_that_kafka_has_deleted_are_counted",
    ),
    Fault(
        "The topic is created again",
        "A start is refused with exit code 3",
        "templates/source/kafka/test.py",
        "test_a_topic_without_the_next_messages_is_refused",
    ),
    Fault(
        "The topic is created again, with more messages than before",
        "A start is refused with exit code 3",
        "tests/test_protections.py",
        "test_with_its_protection_nothing_is_lost_or_duplicated",
    ),
    Fault(
        "The Delta table of the source is created again",
        "A start is refused with exit code 3",
        "templates/source/delta/test.py",
        "test_a_table_that_was_created_again_is_refused",
    ),
    Fault(
        "The target is altered and cannot store the result",
        "A start is refused with exit code 3",
        "templates/sink/delta/test.py",
        "test_a_table_that_cannot_store_the_result_is_refused",
    ),
    Fault(
        "The broker is away, and the continuous query commits nothing more when it is back",
        "The attempt fails after two minutes; the next one continues from the last commit",
        f"{RUNTIME}/test_continuous.py",
        "test_a_query_that_commits_no_more_has_failed",
    ),
    Fault(
        "The broker does not answer",
        "A start ends with exit code 5",
        "templates/source/kafka/test.py",
        "test_an_unreachable_broker_is_refused",
    ),
    Fault(
        "A storage does not answer for a moment",
        "The next attempt goes on",
        f"{RUNTIME}/test_lifecycle.py",
        "test_an_exception_of_java_starts_the_next_attempt",
    ),
    Fault(
        "A batch fails again and again",
        "The job ends with exit code 4 after `lifecycle.attempts`",
        f"{RUNTIME}/test_lifecycle.py",
        "test_attempts_of_one_batch_are_limited",
    ),
    Fault(
        "SIGTERM",
        "The job drains, and ends with exit code 143",
        f"{PROJECT}/test_recovery.py",
        "test_sigterm_drains_with_its_own_exit_code",
    ),
    Fault(
        "A second signal, or one during the start",
        "The job ends immediately",
        f"{RUNTIME}/test_lifecycle.py",
        "test_a_signal_ends_the_process_immediately",
    ),
    Fault(
        "A record is not one JSON object",
        "It goes to quarantine, and hides no event",
        "tests/test_whole_texts.py",
        "test_only_whole_texts_are_events",
    ),
    Fault(
        "A value does not fit its column",
        "Its record goes to quarantine with the name of the column",
        f"{RUNTIME}/test_values.py",
        "test_a_value_is_what_was_sent_or_its_column_is_wrong",
    ),
    Fault(
        "A producer's clock is ahead",
        "Its events go to quarantine; the watermark does not follow them",
        f"{RUNTIME}/test_values.py",
        "test_an_event_time_has_limits",
    ),
    Fault(
        "A key is too long for the index of PostgreSQL",
        "Its event goes to quarantine; the batch goes on",
        "templates/sink/jdbc/test.py",
        "test_a_key_that_the_index_cannot_have_is_invalid",
    ),
    Fault(
        "A disk is full under checkpoint, quarantine or target",
        "The attempt fails, names the disk, and is repeated",
        f"{RUNTIME}/test_full_disk.py",
        "test_a_full_disk_is_an_outage",
    ),
    Fault(
        "A disk is full under the metrics",
        "The job continues and reports it once",
        f"{RUNTIME}/test_full_disk.py",
        "test_the_job_continues_without_its_metrics",
    ),
    Fault(
        "Quarantine falls far behind the query",
        "The query waits before Spark deletes the logs that quarantine needs",
        f"{RUNTIME}/test_quarantine.py",
        "test_the_query_does_not_run_away_from_quarantine",
    ),
    Fault(
        "Files of a planned batch are deleted",
        "The job continues without them, and quarantine has their names",
        "tests/test_deleted_files.py",
        "test_a_new_attempt_names_each_missing_file",
    ),
    Fault(
        "Files are deleted while a scheduled run works off a backlog",
        "Quarantine has their names",
        f"{RUNTIME}/test_unreadable.py",
        "test_a_file_that_is_deleted_before_its_batch_is_planned_is_named",
    ),
    Fault(
        "The storage of the source is not mounted, and a batch is due",
        "A start is refused with exit code 5",
        f"{RUNTIME}/test_unreadable.py",
        "test_a_storage_that_is_not_mounted_is_refused",
    ),
    Fault(
        "Files are deleted before a batch replay reads them again",
        "Quarantine has their names",
        "tests/test_deleted_files.py",
        "test_a_replay_names_each_missing_file",
    ),
    Fault(
        "A release changes the validation, and the last batch is not in quarantine yet",
        "A start is refused with exit code 3",
        f"{RUNTIME}/test_validation_rules.py",
        "test_other_rules_are_refused_before_quarantine_is_complete",
    ),
    Fault(
        "The topic of the sink is another one, or is created again",
        "A start is refused with exit code 3",
        f"{RUNTIME}/test_data_ids.py",
        "test_another_target_is_refused",
    ),
    Fault(
        "A compressed file of the source is damaged",
        "The job continues without it, and quarantine has its name",
        f"{RUNTIME}/test_unreadable.py",
        "test_a_damaged_file_is_left_out",
    ),
    Fault(
        "An event is late",
        "It is counted, and quarantine has it",
        f"{RUNTIME}/test_quarantine.py",
        "test_late_events_are_in_quarantine_and_counted",
    ),
    Fault(
        "An event is too large for a record of Kafka",
        "It goes to quarantine; the batch goes on",
        "templates/sink/kafka/test.py",
        "test_a_record_that_kafka_refuses_is_invalid",
    ),
]


def render_faults():
    """Return the second part of proof/faults.md."""
    return TEXT + "".join(fault.render() for fault in FAULTS)
