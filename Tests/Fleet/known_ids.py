"""Loaded by schemathesis: puts ids that exist into the place of some that it made up, so that more than `not found` is
answered. TOLLWAY_KNOWN_IDS: a JSON object, the beginning of a path to its ids. No job among them goes on for ever, so
that every stream ends."""

import json
import os
import zlib

import schemathesis

KNOWN = json.loads(os.environ["TOLLWAY_KNOWN_IDS"])


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if not path_parameters or "id" not in path_parameters:
        return path_parameters
    path = context.operation.path
    known = next((ids for start, ids in KNOWN.items() if path.startswith(start)), [])
    choice = zlib.crc32(str(path_parameters["id"]).encode()) % (2 * len(known) + 1)
    return {**path_parameters, "id": known[choice]} if choice < len(known) else path_parameters
