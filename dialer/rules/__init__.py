"""Legal rule packs as data: who may be called when, by which source, and who has confirmed it.

``us.yaml`` holds the calling hours and caps; ``nanp_zones.json`` holds every time zone an area code reaches into
(made by ``tools/make_zones.py``). A region or zone without a rule may not be called: the ledger fails closed.
A changed rule is a new version with a new effective date, so that old verdicts stay explicable.
"""
