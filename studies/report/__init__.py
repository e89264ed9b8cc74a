"""Analysed results -> the tables and figures of docs/study.md and the README's headline."""
