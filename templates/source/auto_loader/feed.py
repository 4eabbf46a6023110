{% include "source/files/feed.py" %}
