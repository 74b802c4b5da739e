"""1C over its standard OData interface."""
