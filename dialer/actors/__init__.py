"""The machines on Ray: one courier, and thin actor classes around it."""

import os

# Ray reads this when it is imported, and so before anything else here is: every cluster asks for a token.
os.environ.setdefault("RAY_AUTH_MODE", "token")
