"""Names of columns as documents show them, and as CSV files do."""

from collections.abc import Mapping

FENCE = "`"


def code(name: str) -> str:
    """Return the name, or another text, as Markdown shows it letter by letter."""
    name = " ".join(name.split()) if "\n" in name else name
    fence = FENCE
    while fence in name:
        fence += FENCE
    pad = " " if FENCE in name else ""
    return f"{fence}{pad}{name}{pad}{fence}"


def in_cells(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the same texts for cells of a Markdown table, where a bar ends the cell."""
    return {part: text.replace("|", "\\|") for part, text in texts.items()}


def csv_line(*names: str) -> str:
    """Return the names as a line of a CSV file, quoted where they must be."""
    return ",".join(
        '"' + name.replace('"', '""') + '"' if {*name} & {*',"'} else name for name in names
    )
