"""The exchange of 1C with a site, in which Obmen is the site: 1C pushes its goods and fetches orders."""

from __future__ import annotations

from connectors.onec.site.door import SiteDoor
from connectors.onec.site.endpoint import SiteEndpoint
from connectors.onec.site.options import SiteOptions
from connectors.onec.site.orders import SiteOrders, read_answers, read_statuses

__all__ = ["SiteDoor", "SiteEndpoint", "SiteOptions", "SiteOrders", "read_answers", "read_statuses"]
