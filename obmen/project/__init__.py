"""Reads an integrator's project into validated settings, and says what is wrong with it by file and line.

A misspelt key that is silently ignored is how a guard turns out never to have been there; so every key is
known or refused, and everything that can be told without calling anybody is told before a flow runs.
"""

from obmen.project.load import load_project
from obmen.project.schema import project_schema
from obmen.project.settings import ConnectionSettings, FlowSettings, Project

__all__ = ["ConnectionSettings", "FlowSettings", "Project", "load_project", "project_schema"]
