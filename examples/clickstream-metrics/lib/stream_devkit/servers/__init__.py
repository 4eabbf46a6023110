"""Servers as plain processes on this machine, for demo and tests."""
