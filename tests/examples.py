"""The projects under examples/: `python -m tests.examples` generates them anew."""

import shutil
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "examples"
ANSWERS = {
    "clickstream-metrics": {},
    "access-log": {
        "project_name": "Access Log",
        "event_schema": (
            "event_id STRING, event_time TIMESTAMP, client_ip STRING, method STRING, "
            "path STRING, status INT, bytes BIGINT"
        ),
        "event_roles": "id=event_id, time=event_time, key=method, measure=bytes",
        "trigger": "available_now",
    },
}


def generate(folder):
    """Generate each example into the folder."""
    for answers in ANSWERS.values():
        cookiecutter(
            str(ROOT), no_input=True, extra_context=answers, output_dir=folder, default_config=True
        )


def tree(folder):
    """All files of a folder: path to content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as fresh:
        generate(fresh)
        shutil.rmtree(FOLDER, ignore_errors=True)
        shutil.copytree(fresh, FOLDER)
