"""Obmen keeps 1C:Управление торговлей and its sales channels in agreement.

The library knows no system, no schedule and no screen: connectors bring the systems, the runner brings
the schedule and the screen.
"""

__version__ = "0.1.0"
