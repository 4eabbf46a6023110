{% macro counts(found) %}
{{ "{" }}{% for start, count in found %}{{ '("%s", key(0))' % start if job.key_columns else '"%s"' % start }}: {{ count }}{{ ", " if not loop.last }}{% endfor %}{{ "}" -}}
{% endmacro %}
