"""What development on one machine needs: a broker, events, a demo with its report."""
