"""An older PySpark in addition to the installed one, for sinks without a newer connector."""

import os
import shutil
import subprocess
import sys

from stream_devkit import install

from stream_template_rules.pins import SPARKS
from tests.examples import ROOT


def run_tests(version, *arguments):
    """Run pytest with another version of PySpark; return the completed process, with its output."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=make_environment(version),
        capture_output=True,
        text=True,
        check=False,
    )


def make_environment(version):
    """Return environment variables with which Python imports another version of PySpark.

    The first call installs that version under build/. All other packages are those of this
    environment.
    """
    release = SPARKS[version].pyspark
    folder = ROOT / "build" / f"pyspark-{release}"
    if not folder.is_dir():
        draft = folder.with_name(f"{folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        installer = install.make_installer(sys.executable, install.find_uv(sys.executable))
        target = ["--quiet", "--target", str(draft)]
        subprocess.run([*installer, *target, f"pyspark=={release}"], check=True)
        draft.rename(folder)
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(path)}
