"""What learners did and said, and what they were told: the service's own database."""

from kgplan.store.events.store import EventStore, open_events, read_events

__all__ = ["EventStore", "open_events", "read_events"]
