"""The project's name and slug: safe as a folder, as a package and in shell commands."""

import itertools
import keyword
import re
import sys
import unicodedata
from collections.abc import Iterator

from .pins import PINS
from .problems import Violation

MAX_NAME, MAX_SLUG = 80, 50
# Allowed ASCII besides letters and digits: no quotes, no backslash, and nothing with a meaning in
# Markdown or templates. Of other scripts, all letters, digits, punctuation and symbols.
PUNCTUATION = " &/:'.,-_()+!?"
JOINERS = "\u200c\u200d"
LETTERS = ("L", "M", "N")
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

# Names that a package must not have, because an import would find the wrong module: distributions
# and top-level modules of all pinned packages and their dependencies.
DEPENDENCIES = {
    *(pin.name.replace("-", "_") for pin in PINS),
    *("annotated_doc", "annotated_types", "arro3", "arro3_core", "arrow", "ast_serialize", "attr"),
    *("attrs", "binaryornot", "certifi", "charset_normalizer", "click", "colorama"),
    *("cookiecutter", "covertable", "cruft", "databricks", "databricks_bundles", "dateutil"),
    *("delta", "deprecated", "dotenv", "execnet", "fasteners", "git", "gitdb", "gitpython"),
    *("google", "grpc", "grpc_status", "hatchling", "hypothesis", "idna", "importlib_metadata"),
    *("iniconfig", "kubeflow_spark_api", "librt", "markdown_it", "markdown_it_py"),
    *("matplotlib", "mdurl", "mypy_extensions", "mypyc", "numpy", "packaging"),
    *("pathspec", "pip", "pkg_resources", "platformdirs", "pluggy", "psutil", "py", "py4j"),
    *("pydantic_core", "pydantic_settings", "pygments", "pytest_cookies", "pytest_xdist"),
    *("python_dateutil", "python_slugify", "pytz", "pyyaml", "requests", "setuptools"),
    *("shellingham", "six", "slugify", "smmap", "sortedcontainers", "stream_devkit"),
    *("stream_runtime", "stream_template"),
    *("text_unidecode", "toml", "tomli", "typer", "types_pyyaml", "typing_extensions"),
    *("typing_inspection", "tzdata", "urllib3", "wheel", "wrapt", "xdist", "yaml", "zipp"),
    *("cachetools", "fb303", "fsspec", "hive_metastore", "mmh3", "pyparsing", "pyroaring"),
    *("strictyaml", "tenacity"),
}
# Modules that Python imports at startup, and modules of other Python versions.
PYTHON = {
    *("sitecustomize", "usercustomize", "annotationlib", "asynchat", "asyncore", "compression"),
    *("distutils", "imp", "smtpd"),
}
# Top-level folders of a project, and modules that pytest and Spark put on the path.
OWN = {
    *("runtime", "dev", "lib", "tests", "test", "conf", "src", "build", "deploy", "docs"),
    *("monitoring", "conftest", "events", "crash", "file_batches", "small_stream"),
    *("behind_connect", "main", "oracle"),
}
DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in range(10)
}


def slug_from(name: str) -> str:
    """Return the proposed slug for a name.

    Cookiecutter transliterates letters outside ASCII with a library that the rules do not have;
    here they are removed.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    one_number = re.sub(r"(?<=\d),(?=\d)", "", plain)
    return proposed_slug(re.sub(r"[^a-z0-9]+", "-", one_number).strip("-"))


def proposed_slug(slug: str) -> str:
    """Return the slug if it is allowed, otherwise a similar one; empty if nothing is left."""
    proposal = slug if not slug or slug[0].isalpha() else f"stream-{slug}"
    names = (proposal, f"{proposal}-stream", f"stream-{proposal}")
    free = next(name for name in names if not _owner(package_from(name)))
    return free[:MAX_SLUG].strip("-")


def numbered_slugs(slug: str) -> Iterator[str]:
    """Yield similar slugs without end: `orders-2`, `orders-3` and so on."""
    for number in itertools.count(2):
        end = f"-{number}"
        yield slug[: MAX_SLUG - len(end)].rstrip("-") + end


def package_from(slug: str) -> str:
    """Return the name of the generated package."""
    return slug.replace("-", "_")


def name_violations(name: str) -> list[Violation]:
    """Return the violations of project_name."""
    kept = re.sub(" +", " ", "".join(sign if _writable(sign) else " " for sign in name))
    kept = kept[:MAX_NAME].strip()
    if not any(unicodedata.category(sign).startswith(LETTERS) for sign in kept):
        kept = ""
    if name == kept and name:
        return []
    return [
        Violation(
            "project-name-form",
            "form",
            f"project_name={name!r}",
            f"A name has at most {MAX_NAME} characters: letters of any script, digits, spaces and "
            f"{' '.join(PUNCTUATION.strip())}. It needs a letter or digit, and has no double "
            "spaces.",
            f"Choose {kept}." if kept else "Choose another name.",
            "project_name",
            kept or None,
        )
    ]


def _writable(sign: str) -> bool:
    category = unicodedata.category(sign)
    foreign = not sign.isascii() and category.startswith(("P", "S"))
    return foreign or category.startswith(LETTERS) or sign in PUNCTUATION + JOINERS


def slug_violations(slug: str) -> list[Violation]:
    """Return the violations of project_slug."""
    if not _SLUG.fullmatch(slug) or len(slug) > MAX_SLUG:
        reason = (
            f"A slug has lowercase letters, digits and single hyphens, at most {MAX_SLUG} of them."
        )
        return [_slug("slug-form", slug, reason, slug_from(slug))]
    owner = _owner(package_from(slug))
    if owner:
        reason = f"The package name {package_from(slug)} is already used by {owner}."
        return [_slug("slug-taken", slug, reason, proposed_slug(slug))]
    return []


def _slug(rule: str, slug: str, reason: str, proposal: str) -> Violation:
    fix = f"Choose {proposal}." if proposal else "Set one, such as project_slug=orders-stream."
    clash = f"project_slug={slug!r}"
    return Violation(rule, "form", clash, reason, fix, "project_slug", proposal or None)


def _owner(package: str) -> str:
    standard = package in sys.stdlib_module_names | PYTHON or keyword.iskeyword(package)
    owners = {
        "Python": standard,
        "a dependency": package in DEPENDENCIES,
        "the project itself": package in OWN or package.startswith("test_"),
        "Windows": package in DEVICES,
    }
    return next((owner for owner, owns in owners.items() if owns), "")
