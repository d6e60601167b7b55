"""ocdskit as `pip install ocdskit` leaves it: without orjson, which its extra `perf` brings and which is installed here.

usage: plain.py ARGUMENTS OF OCDSKIT...
"""

import sys

# What is None here cannot be imported.
sys.modules["orjson"] = None

from ocdskit.__main__ import main  # noqa: E402

main()
