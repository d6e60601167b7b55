"""The reference library, for comparing.

usage: merge.py SCHEMA < processes.jsonl > merged.jsonl

Each line is the list of the releases of a process; the answer is {"compiled", "versioned"}, each the merged release
or {"error": name}. A line is read anew for each of the two, since the library changes the releases it is given.
"""

import json
import sys
import warnings

from ocdsmerge import Merger


def merged(merge, line):
    try:
        return merge(json.loads(line))
    except Exception as error:
        return {"error": type(error).__name__}


def main(schema):
    warnings.simplefilter("ignore")
    merger = Merger(schema)
    for line in sys.stdin.buffer:
        answer = {
            "compiled": merged(merger.create_compiled_release, line),
            "versioned": merged(merger.create_versioned_release, line),
        }
        sys.stdout.write(json.dumps(answer))
        sys.stdout.write("\n")


main(sys.argv[1])
