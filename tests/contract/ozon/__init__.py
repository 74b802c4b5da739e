"""Ozon: everything said and answered, judged by the vendor's own specification."""
