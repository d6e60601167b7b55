"""Fills a collection of Kinto with one record a line.

usage: kinto_fill.py ADDRESS FILE
"""

import itertools
import json
import sys
import urllib.request


def ask(method, url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def main(address, path):
    ask("PUT", f"{address}/v1/buckets/avance", {})
    ask("PUT", f"{address}/v1/buckets/avance/collections/proyectos", {})
    with open(path, encoding="utf-8") as lines:
        while some := list(itertools.islice(lines, 500)):
            requests = [
                {"method": "POST", "path": "/buckets/avance/collections/proyectos/records", "body": {"data": json.loads(line)}}
                for line in some
            ]
            for said in ask("POST", f"{address}/v1/batch", {"requests": requests})["responses"]:
                assert said["status"] == 201, said


main(*sys.argv[1:])
