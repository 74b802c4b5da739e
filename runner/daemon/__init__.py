"""The service: flows run by themselves, for a year, on one machine.

``schedule`` says when a flow is due, ``dispatcher`` what may be done next and by whom, a ``lane`` does it, and
``service`` holds them together: threads, the project's changes, what people ask for, and a stop that leaves nothing
half done.
"""
