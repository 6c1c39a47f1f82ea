"""Validates OCSF events, one on each line of stdin, and says what classes and activities there were."""

import collections
import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

known = {}
seen = collections.Counter()
for number, line in enumerate(sys.stdin, 1):
    event = json.loads(line)
    metadata = event["metadata"]
    key = (metadata["version"], event["class_uid"], tuple(metadata["profiles"]))
    if key not in known:
        schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=key[0]))
        name = schema.lookup_class_name_from_uid(key[1])
        known[key] = jsonschema.Draft202012Validator(schema.get_class_schema(name, list(key[2])))
    for error in known[key].iter_errors(event):
        sys.exit(f"line {number}: {error.json_path}: {error.message}")
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"], line
    seen[metadata["event_code"], event["class_uid"], event["activity_id"], event["status_id"]] += 1
print(json.dumps(sorted(seen)))
