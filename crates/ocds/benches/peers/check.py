"""lib-cove-ocds on one release package, without a network.

usage: check.py SCHEMAS PACKAGE > report.json

SCHEMAS is a folder with `standard.zip` (as a checkout of the standard) and `extensions/NAME/{extension.json,
release-schema.json,codelists/*.csv}`: the same schemas and codelists that `ocds` checks against, so that neither
waits for a download. The library only takes extensions from the web, which is replaced here by the folder.

Exit status 1 if it finds any error.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import libcoveocds.api
import requests
from libcoveocds.config import LibCoveOCDSConfig
from ocdsextensionregistry.extension_version import ExtensionVersion

ERRORS = ("validation_errors", "additional_closed_codelist_values", "conformance_errors", "additional_fields")


def local_files(extensions):
    def files(self):
        if self._files is None:
            url = self.input_url or self.base_url
            known = [extensions / part for part in url.split("/") if part and (extensions / part).is_dir()]
            if not known:
                raise requests.ConnectionError(f"no local copy of {url}")
            folder = known[0]
            self._files = {
                path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
                for path in folder.rglob("*")
                if path.is_file()
            }
            self.download_url = folder.as_uri()
        return self._files

    return files


def main(schemas, package):
    schemas = Path(schemas).resolve()
    ExtensionVersion.files = property(local_files(schemas / "extensions"))
    config = LibCoveOCDSConfig()
    config.config.update(standard_zip=(schemas / "standard.zip").as_uri(), context="api")
    with tempfile.TemporaryDirectory() as folder:
        report = libcoveocds.api.ocds_json_output(folder, package, lib_cove_ocds_config=config)
    found = {kind: report.get(kind) for kind in ERRORS}
    found["invalid_extension"] = (report.get("extensions") or {}).get("invalid_extension")
    json.dump({kind: value for kind, value in found.items() if value}, sys.stdout, default=list)
    return 1 if any(found.values()) else 0


sys.exit(main(*sys.argv[1:]))
