"""Every error that stops a job, with the exit code that tells an orchestrator what happened.

StreamJobError (1)
├── ConfigError (2)       a setting is missing, misspelt or of the wrong kind; 2 also ends a job
│                     whose pipeline and runtime have different interfaces (see __init__.py)
├── CheckpointError (3)   this code and this checkpoint do not belong together
├── StreamFailedError (4)  a batch failed as often as it may
└── SetupError (5)         Java, jars or a server that the job needs are not there
"""


class StreamJobError(Exception):
    """Raised when the job cannot go on; the message ends with what to do."""

    exit_code = 1


class ConfigError(StreamJobError):
    """Raised when the configuration cannot be used; the message names all its problems."""

    exit_code = 2


class CheckpointError(StreamJobError):
    """Raised when a start would corrupt the state of the checkpoint, or write its result again."""

    exit_code = 3


class StreamFailedError(StreamJobError):
    """Raised when the same batch failed `lifecycle.attempts` times."""

    exit_code = 4


class SetupError(StreamJobError):
    """Raised when something around the job is missing or does not answer."""

    exit_code = 5
