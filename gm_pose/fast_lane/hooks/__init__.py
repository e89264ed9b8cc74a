"""Hooks of the fast lane, registered in `mmpose.registry.HOOKS`."""
