"""The control plane over HTTP: what operators and programs order and see. Never in the path of a call."""
