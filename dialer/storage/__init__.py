"""What is kept: the catalogue, the journal of attempts, contact files, and all that is computed from them."""
