"""The project's name and its slug: what may stand in a folder, a package and a shell command."""

import keyword
import re
import sys

from .problems import Violation

MAX_NAME, MAX_SLUG = 80, 50
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]*[A-Za-z0-9])?")
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

# Names that a package must leave to others; an import would find the wrong one.
DEPENDENCIES = {
    *("pyspark", "delta", "delta_spark", "py4j", "pandas", "numpy", "pyarrow", "grpc", "google"),
    *("pydantic", "pydantic_core", "pydantic_settings", "prometheus_client", "filelock", "psycopg"),
    *("pytest", "ruff", "mypy", "rich", "hypothesis", "confluent_kafka", "matplotlib", "deltalake"),
    *("psycopg_binary", "pip", "setuptools", "wheel", "cookiecutter", "cruft", "yaml", "dotenv"),
    *("databricks", "zstandard"),
}
FOLDERS = {
    "runtime",
    "dev",
    "tests",
    "test",
    "conf",
    "src",
    "build",
    "deploy",
    "docs",
    "monitoring",
}
DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in range(10)
}


def slug_from(name: str) -> str:
    """Return the slug that cookiecutter proposes for a name of plain letters."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def package_from(slug: str) -> str:
    """Return the name of the generated package."""
    return slug.replace("-", "_")


def name_violations(name: str) -> list[Violation]:
    """Return what is wrong with project_name."""
    if _NAME.fullmatch(name) and len(name) <= MAX_NAME:
        return []
    kept = re.sub(r"[^A-Za-z0-9._-]+", " ", name)[:MAX_NAME].strip(" ._-")
    return [
        Violation(
            "project-name-form",
            "form",
            f"project_name={name!r}",
            f"It has other signs than letters, digits, spaces and . _ - within {MAX_NAME}, "
            "or does not begin and end with a letter or digit.",
            f"Choose {kept}." if kept else "Choose another name.",
            "project_name",
            kept or None,
        )
    ]


def slug_violations(slug: str) -> list[Violation]:
    """Return what is wrong with project_slug."""
    if not _SLUG.fullmatch(slug) or len(slug) > MAX_SLUG:
        reason = f"A slug is small letters, digits and single hyphens, at most {MAX_SLUG} of them."
        return [_slug("slug-form", slug, reason, _reformed(slug))]
    owner = _owner(package_from(slug))
    if owner:
        reason = f"A package {package_from(slug)} would hide the one that {owner} has."
        return [_slug("slug-taken", slug, reason, f"{slug}-stream")]
    return []


def _slug(rule: str, slug: str, reason: str, proposal: str) -> Violation:
    fix = f"Choose {proposal}." if proposal else "Choose another slug."
    clash = f"project_slug={slug!r}"
    return Violation(rule, "form", clash, reason, fix, "project_slug", proposal or None)


def _reformed(slug: str) -> str:
    proposal = slug_from(slug)[:MAX_SLUG].strip("-")
    if proposal and not proposal[0].isalpha():
        proposal = f"stream-{proposal}"[:MAX_SLUG].strip("-")
    return f"{proposal}-stream" if _owner(package_from(proposal)) else proposal


def _owner(package: str) -> str:
    owners = {
        "Python": package in sys.stdlib_module_names or keyword.iskeyword(package),
        "a dependency": package in DEPENDENCIES,
        "the project itself": package in FOLDERS,
        "Windows": package in DEVICES,
    }
    return next((owner for owner, owns in owners.items() if owns), "")
