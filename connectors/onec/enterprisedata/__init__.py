"""EnterpriseData: the door by which 1C's own configurations exchange with each other, over SOAP.

The base keeps a node for us in its plan СинхронизацияДанныхЧерезУниверсальныйФормат, registers what changes
for it, and forgets a change only when a message of ours says that it has been received. See ``door.py``.
"""
