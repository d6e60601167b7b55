"""Our statement of the schemas and codelists in the form in which lib-cove-ocds takes them (see check.py).

usage: schemas.py SCHEMAS OUT    SCHEMAS is the folder `schemas` of the project
"""

import json
import sys
import zipfile
from pathlib import Path


def described(schema):
    """lib-cove wants a description of what is deprecated; ours has none."""
    if isinstance(schema, dict):
        if isinstance(schema.get("deprecated"), dict):
            schema["deprecated"].setdefault("description", "")
        for value in schema.values():
            described(value)
    elif isinstance(schema, list):
        for value in schema:
            described(value)
    return schema


def main(schemas, out):
    own, out = Path(schemas), Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out / "standard.zip", "w") as standard:

        def add(path, name):
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".json":
                text = json.dumps(described(json.loads(text)))
            standard.writestr(f"standard-1.1/schema/{name}", text)

        # An archive of a checkout has the folder before what is in it, and is read in that order.
        standard.writestr("standard-1.1/", b"")
        for name in ("release-schema", "release-package-schema", "record-package-schema"):
            add(own / "ocds" / f"{name}.json", f"{name}.json")
        add(own / "ocds/versioned-release-schema.json", "versioned-release-validation-schema.json")
        for path in sorted((own / "ocds/codelists").glob("*.csv")):
            add(path, f"codelists/{path.name}")
    for extension in json.loads((own / "profile.json").read_text(encoding="utf-8"))["extensions"]:
        # Looked for by the part of its web address that names it.
        folder = out / "extensions" / extension["url"].split("/")[-3]
        (folder / "codelists").mkdir(parents=True, exist_ok=True)
        metadata = {"name": {"en": extension["name"]}, "compatibility": ["1.1"], "schemas": ["release-schema.json"]}
        (folder / "extension.json").write_text(json.dumps(metadata), encoding="utf-8")
        patch = own / "ocds/extensions" / f"{extension['name']}.json"
        (folder / "release-schema.json").write_bytes(patch.read_bytes())
        for path in (own / "ocds/codelists" / extension["name"]).glob("*.csv"):
            (folder / "codelists" / path.name).write_bytes(path.read_bytes())


main(*sys.argv[1:])
