"""The library of reference as a program would use it: JSON Lines in, one compiled release a line out.

usage: merge.py SCHEMA < releases.jsonl > compiled.jsonl

Says on standard error what the merging alone took, in seconds. orjson reads and writes, as it is the fastest that
Python has.
"""

import sys
import time
from collections import defaultdict

import orjson
from ocdsmerge import Merger


def main(schema):
    processes = defaultdict(list)
    for line in sys.stdin.buffer:
        release = orjson.loads(line)
        processes[release["ocid"]].append(release)
    merger = Merger(schema)
    merging = 0.0
    write = sys.stdout.buffer.write
    for releases in processes.values():
        begun = time.perf_counter()
        compiled = merger.create_compiled_release(releases)
        merging += time.perf_counter() - begun
        write(orjson.dumps(compiled))
        write(b"\n")
    print("%.3f" % merging, file=sys.stderr)


main(sys.argv[1])
