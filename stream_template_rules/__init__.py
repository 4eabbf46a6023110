"""What stream-template knows: its questions, which answers are legal, what follows from them."""

from .axes import AXES, NOT_YET, QUESTIONS, TEXTS, resolved
from .cautions import WARNINGS, warnings
from .columns import columns
from .plan import PINS, VERSION, guarantee, plan, record
from .problems import Violation
from .refusal import refusal
from .roles import ROLES, default_roles
from .rules import NOT_YET_RULES, ROLE_RULES, RULES, Rule
from .verdict import mended, nearest, violations

ANSWERS = (*QUESTIONS, "__package")

__all__ = [
    "ANSWERS",
    "AXES",
    "NOT_YET",
    "NOT_YET_RULES",
    "PINS",
    "QUESTIONS",
    "ROLES",
    "ROLE_RULES",
    "RULES",
    "TEXTS",
    "VERSION",
    "WARNINGS",
    "Rule",
    "Violation",
    "columns",
    "default_roles",
    "guarantee",
    "mended",
    "nearest",
    "plan",
    "record",
    "refusal",
    "resolved",
    "violations",
    "warnings",
]
