"""What learners did and said, and what they were told: the service's own database."""

from kgplan.api.records.store import RecordStore, open_records

__all__ = ["RecordStore", "open_records"]
