"""The scenario runner: see tools/scenarios.py and docs/internals/scenarios.md."""
