"""The batch: what is trained and fitted, from which inputs, into which results."""
