"""A hash of the code that a run of a job variant executes: proof/runs.md stores it.

Comments, docstrings and blank lines do not change it, because they do not change a run.
"""

import ast
import hashlib
import io
import tokenize
from functools import lru_cache

import pyspark

from stream_template_rules.files import library
from tests.examples import ROOT, read_tree

# The files that a run depends on, without the modules that it never imports (NOT_RUN).
CODE = ("conf/base.toml", "conf/dev.toml", "dev/", "src/", "tests/oracle")
RUNTIME = "stream_runtime"
DEVKIT = "stream_devkit"
NOT_RUN = ("__main__.py", "dev/demo.py")
NOT_RUN += tuple(f"{DEVKIT}/report/report.{kind}" for kind in ("css", "html.jinja"))
NOT_RUN += tuple(f"{RUNTIME}/{name}.py" for name in ("cli", "doctor", "status"))
NOT_RUN += tuple(
    f"{DEVKIT}/{name}.py"
    for name in (
        *(
            "chaos",
            "crash",
            "demo",
            "export",
            "file_run",
            "in_use",
            "install",
            "jars",
            "job",
            "job_in_session",
            "lines",
        ),
        *("ordinary", "outcome"),
        *("preflight", "progress", "repository", "resolver", "rows", "samples"),
        *("report/__init__", "report/charts", "report/diagram", "report/page", "report/svg"),
        *("servers/kafka", "servers/postgres", "servers/server", "tools"),
    )
)


# Only with the continuous trigger. The other jobs import it, and use nothing of it.
CONTINUOUS = f"{RUNTIME}/continuous.py"


def hash_code(project, *names):
    """Return a short hash of Spark's version and of the code that a run executes.

    The names of the project do not change the hash.
    """
    files = {path: text for path, text in read_tree(project).items() if path.startswith(CODE)}
    continuous = any(b'"continuous"' in text for text in files.values())
    files |= {path: source.read_bytes() for path, source in library(ROOT).items()}
    not_run = NOT_RUN if continuous else (*NOT_RUN, CONTINUOUS)
    code = pyspark.__version__ + "".join(
        f"{path}\n{reduce_to_code(path, content)}\n"
        for path, content in files.items()
        if not path.endswith(not_run)
    )
    for name in names:
        code = code.replace(name, "run")
    return hashlib.sha256(code.encode()).hexdigest()[:8]


@lru_cache(maxsize=1000)
def reduce_to_code(path, content):
    """Return the text of a file without comments, docstrings and blank lines."""
    lines = content.decode().splitlines()
    if path.endswith(".py"):
        _remove_texts(lines, content.decode())
    elif path.endswith(".toml"):
        lines = [line for line in lines if not line.startswith("#")]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _remove_texts(lines, source):
    """Empty the lines of strings that are statements, and cut comments off."""
    for node in ast.walk(ast.parse(source)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text and isinstance(node.value.value, str):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
