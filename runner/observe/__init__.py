"""The service as it is seen from outside: metrics, health, alerts, and errors in a seller's words.

All of it looks at the ledger and the service's pulse and changes nothing of the work, so whatever fails here stops no
flow.
"""
