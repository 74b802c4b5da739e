"""The exchange of 1C with a site, in which Obmen is the site: 1C pushes its goods and fetches orders."""
