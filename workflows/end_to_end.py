"""All nineteen stages."""

from workflows.registration import registered

end_to_end = registered("end_to_end", "ingest", "release")
