"""The vendor's categories: what attributes each demands, which values it takes, and a card's attributes as ids."""

from obmen.categories.catalogue import Catalogue
from obmen.categories.model import CategoryAttribute, CategoryNode, Fault, Filled, Kind
from obmen.categories.search import Suggestions, find_nodes

__all__ = [
    "Catalogue",
    "CategoryAttribute",
    "CategoryNode",
    "Fault",
    "Filled",
    "Kind",
    "Suggestions",
    "find_nodes",
]
