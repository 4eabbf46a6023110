"""The rules of stream-template: questions, legal answers, and what is derived from them."""

from .axes import AXES, QUESTIONS, TEXTS, resolved
from .cautions import WARNINGS, warnings
from .columns import columns
from .files import FILES, generates
from .guarantees import guarantee
from .literals import python_literal, toml_literal
from .names import proposed_slug
from .pins import PINS
from .plan import VERSION, plan, record
from .problems import Violation
from .refusal import refusal
from .rendering import Rendering
from .roles import ROLES, default_roles
from .rules import ROLE_RULES, RULES, Rule
from .verdict import make_legal, nearest, violations

__all__ = [
    "AXES",
    "FILES",
    "PINS",
    "QUESTIONS",
    "ROLES",
    "ROLE_RULES",
    "RULES",
    "TEXTS",
    "VERSION",
    "WARNINGS",
    "Rendering",
    "Rule",
    "Violation",
    "columns",
    "default_roles",
    "generates",
    "guarantee",
    "make_legal",
    "nearest",
    "plan",
    "proposed_slug",
    "python_literal",
    "record",
    "refusal",
    "resolved",
    "toml_literal",
    "violations",
    "warnings",
]
