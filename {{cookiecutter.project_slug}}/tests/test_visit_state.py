{% include "tests/state/visit_state.py" %}
