"""What lib-cove-ocds finds in mutants of a release package. No network.

usage: reference.py FOLDER_OF_CHECK_OCDS STANDARD_ZIP EXTENSIONS MUTANTS.json

MUTANTS.json is {"package": an unchanged package, "mutants": [...]}. All are validated by the schema that the unchanged
package declares, so that the schema is built once. Prints a list with, for each mutant, the places and the types of the
validation errors, and the places of values outside closed codelists (which lib-cove-ocds tells apart).
"""
import json
import sys
import warnings

folder, archive, extensions, mutants = sys.argv[1:]
sys.argv = [sys.argv[0], archive, extensions]
sys.path.insert(0, folder)
warnings.simplefilter("ignore")
import check_ocds  # patches the library so that it finds the standard and the extensions in files
from libcove.lib.common import get_additional_codelist_values, get_schema_validation_errors
from libcoveocds.config import LibCoveOCDSConfig
from libcoveocds.schema import SchemaOCDS

with open(mutants, encoding="utf-8") as file:
    given = json.load(file)
config = LibCoveOCDSConfig()
config.config.update(standard_zip="file://" + check_ocds.zip_, context="api")
schema = SchemaOCDS(None, given["package"], config, record_pkg=False)
schema.get_schema_obj()
if schema.invalid_extension:
    sys.exit(f"not all extensions were found: {schema.invalid_extension}")

found = []
for mutant in given["mutants"]:
    errors = get_schema_validation_errors(mutant, schema, "-", {}, {})
    codes = get_additional_codelist_values(schema, mutant).values()
    found.append({
        "errors": sorted({"/" + place["path"] for places in errors.values() for place in places}),
        "types": sorted({json.loads(error)["message_type"] for error in errors}),
        "codes": sorted(f"{code['path']}/{code['field']}" for code in codes if not code["isopen"]),
    })
json.dump(found, sys.stdout)
