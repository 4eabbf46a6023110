"""The files of a project: all of the template, except those of other answers."""

from collections.abc import Iterator
from pathlib import Path

from .axes import Answers, resolved, select
from .boxes import (
    CONNECT,
    CUSTOM,
    DEDUPLICATED,
    DROPS_LATE,
    LOGINS,
    LOOKUP,
    ON_DATABRICKS,
    STREAM_JOIN,
    Boxes,
    covered,
)
from .names import package_from
from .rules import EVENT_TIME, WINDOWED
from .sinks import SINKS

PACKAGE = "<package>"
"""The placeholder for the name of the generated package in a path."""
PACKAGE_FOLDER = "{{cookiecutter.__package}}"
"""The name of the package folder in the template."""
COMPILED = "__pycache__"
VERBATIM = (".github/workflows/*",)
"""Files of the template that Jinja does not render."""
PACKAGES, LIBRARY = "packages/*/src", "lib"
"""The source trees of the libraries, and the folder of a project with copies of them."""

_OWN_CLUSTER: Boxes = ({"platform": ("spark_submit", "kubernetes")},)
_SPARK_SUBMIT: Boxes = ({"platform": ("spark_submit",)},)
_BEHIND_CONNECT: Boxes = (
    {**CONNECT[0], "sink": select(SINKS, lambda sink: sink.behind_connect != "nothing")},
)

# Path to boxes: the file is generated if one of them contains the answers.
FILES: dict[str, Boxes] = {
    ".claude/skills/add-an-aggregate/SKILL.md": ({"window": WINDOWED},),
    ".claude/skills/change-window-or-watermark/SKILL.md": EVENT_TIME,
    ".claude/skills/late-events/SKILL.md": DROPS_LATE,
    ".claude/skills/rotate-credentials/SKILL.md": LOGINS,
    "deploy/Dockerfile": _OWN_CLUSTER,
    "deploy/Dockerfile.dockerignore": _OWN_CLUSTER,
    "deploy/application.yml": ({"platform": ("kubernetes",)},),
    "deploy/compose.yml": _OWN_CLUSTER,
    "deploy/databricks.yml": ON_DATABRICKS,
    "deploy/doctor.yml": ({"platform": ("kubernetes",)},),
    "deploy/stream.service": _SPARK_SUBMIT,
    "deploy/stream.timer": ({**_SPARK_SUBMIT[0], "trigger": ("available_now",)},),
    "deploy/submit.sh": _SPARK_SUBMIT,
    "dev/one_input.py": (STREAM_JOIN,),
    "dev/reference.csv": (LOOKUP,),
    "monitoring/alerts.yml": _OWN_CLUSTER,
    "monitoring/dashboard.json": _OWN_CLUSTER,
    "monitoring/prometheus.yml": _OWN_CLUSTER,
    "src/<package>/deduplicate.py": (DEDUPLICATED,),
    "src/<package>/files.py": ({"source": ("auto_loader",)},),
    "src/<package>/join.py": (STREAM_JOIN,),
    "src/<package>/lookup.py": (LOOKUP,),
    "src/<package>/visit_state.py": (CUSTOM,),
    "src/<package>/visits.py": (CUSTOM,),
    "src/<package>/window.py": ({"window": WINDOWED},),
    "tests/behind_connect.py": _BEHIND_CONNECT,
    "tests/file_batches.py": (
        {"sink": select(SINKS, lambda sink: bool(sink.test_stream))},
        STREAM_JOIN,
        CUSTOM,
    ),
    "tests/small_stream.py": (
        {"sink": select(SINKS, lambda sink: sink.test_stream == "small_stream")},
    ),
    "tests/test_connect.py": _BEHIND_CONNECT,
    "tests/test_databricks.py": ON_DATABRICKS,
    "tests/test_join.py": (STREAM_JOIN,),
    "tests/test_lookup.py": (LOOKUP,),
    "tests/test_monitoring.py": _OWN_CLUSTER,
    "tests/test_visit_state.py": (CUSTOM,),
}


def listed(path: str) -> str:
    """Return the path of the template as FILES writes it."""
    return path.replace(PACKAGE_FOLDER, PACKAGE)


def placed(path: str, answers: Answers) -> str:
    """Return the path in a project of a path of the template."""
    return path.replace(PACKAGE_FOLDER, package_from(str(answers["project_slug"])))


def generates(path: str, answers: Answers) -> bool:
    """Return whether a project with these answers has this file of the template."""
    if COMPILED in path:
        return False
    boxes = FILES.get(listed(path))
    return boxes is None or covered(boxes, {**answers, **resolved(answers)})


def files_in(template: Path) -> Iterator[str]:
    """Yield the paths of all files below a folder, as POSIX paths in it."""
    for path in sorted(template.rglob("*")):
        if path.is_file():
            yield path.relative_to(template).as_posix()


def library(template: Path) -> dict[str, Path]:
    """Return the files of the libraries: path in a project, and the file to copy."""
    return {
        f"{LIBRARY}/{path}": source / path
        for source in sorted(template.glob(PACKAGES))
        for path in files_in(source)
        if COMPILED not in path
    }
