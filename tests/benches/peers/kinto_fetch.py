"""Fetches every record of a collection with Kinto's own client and prints how many there were.

usage: kinto_fetch.py ADDRESS
"""

import sys

import kinto_http

client = kinto_http.Client(server_url=sys.argv[1] + "/v1", bucket="avance", collection="proyectos")
print(len(client.get_records()))
