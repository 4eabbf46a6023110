"""An older PySpark beside the installed one, for jobs whose connector supports no newer version."""

import os
import shutil
import subprocess
import sys

from stream_template_rules.pins import SPARKS
from tests.examples import ROOT


def environment(version):
    """Return the variables with which Python imports the PySpark of a version; it is fetched once.

    All other packages are those of this environment.
    """
    release = SPARKS[version].pyspark
    folder = ROOT / "build" / f"pyspark-{release}"
    if not folder.is_dir():
        draft = folder.with_name(f"{folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(draft)]
        subprocess.run([*pip, f"pyspark=={release}"], check=True)
        draft.rename(folder)
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(path)}
