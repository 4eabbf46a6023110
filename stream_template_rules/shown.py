"""Column names as Markdown and as CSV."""

from collections.abc import Mapping, Sequence

FENCE = "`"


def code(name: str) -> str:
    """Return the text as inline code of Markdown."""
    name = " ".join(name.split()) if "\n" in name else name
    fence = FENCE
    while fence in name:
        fence += FENCE
    pad = " " if FENCE in name else ""
    return f"{fence}{pad}{name}{pad}{fence}"


def spoken(names: Sequence[str], word: str = "and") -> str:
    """Return the names as a list in a sentence: `a, b and c`."""
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def in_cells(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the texts for cells of a Markdown table, with escaped bars."""
    return {part: text.replace("|", "\\|") for part, text in texts.items()}


def csv_line(*names: str) -> str:
    """Return the names as a line of a CSV file, quoted if necessary."""
    return ",".join(
        '"' + name.replace('"', '""') + '"' if {*name} & {*',"'} else name for name in names
    )
