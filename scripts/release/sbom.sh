#!/bin/sh
# sbom.sh RELEASE PLATFORM...: writes a software bill of materials for the archive of each platform in the folder RELEASE, with
# CycloneDX's library for Python, which it installs in TARGET/sbom (7 MB). SOURCE_DATE_EPOCH is the time of the documents.
set -eu
cd "$(dirname "$0")/../.."
venv=${TARGET:-target}/sbom
if ! cmp -s scripts/release/requirements.txt "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r scripts/release/requirements.txt
    cp scripts/release/requirements.txt "$venv/"
fi
# With the source of the Rust standard library, which says what it consists of.
exec scripts/cross.sh "$venv/bin/python" -B scripts/release/sbom.py "$@"
