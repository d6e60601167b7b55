"""Runs one command and writes what it took: {"seconds", "cpu", "peak", "status"}; peak is in bytes.

usage: measure.py REPORT OUTPUT [--stdin FILE | --pipe FILE] -- COMMAND...

--stdin hands the file over as standard input; --pipe sends it through `cat`, so that it cannot be read twice.
The kernel says what the command took when it ends (wait4), so nothing is sampled and nothing is missed. What it
says of memory begins with that of this program, which is why nothing large is imported: no peak below some 10 MB
can be told from another.
"""

import os
import sys
import time


def main(arguments):
    report, output, *rest = arguments
    split = rest.index("--")
    options, command = rest[:split], rest[split + 1 :]
    out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    source = os.open(os.devnull, os.O_RDONLY)
    feeder = None
    started = time.monotonic()
    if options[:1] == ["--stdin"]:
        source = os.open(options[1], os.O_RDONLY)
    elif options[:1] == ["--pipe"]:
        source, end = os.pipe()
        feeder = os.posix_spawnp("cat", ["cat", options[1]], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, end, 1)])
        os.close(end)
    streams = [(os.POSIX_SPAWN_DUP2, source, 0), (os.POSIX_SPAWN_DUP2, out, 1)]
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=streams)
    os.close(source)
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - started
    if feeder is not None:
        os.waitpid(feeder, 0)
    # Kibibytes on Linux, bytes on macOS.
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    with open(report, "w") as file:
        file.write(
            '{"seconds": %r, "cpu": %r, "peak": %d, "status": %d}'
            % (seconds, usage.ru_utime + usage.ru_stime, peak, os.waitstatus_to_exitcode(status))
        )


main(sys.argv[1:])
