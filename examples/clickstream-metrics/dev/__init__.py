"""The tools for development on one machine: servers, events, a demo with a report."""
