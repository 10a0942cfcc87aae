#!/bin/sh
# Tests that the documentation site builds without a warning, and runs tests/docs/site.py on it. Skipped with a message if the
# tools of docs/requirements.txt cannot be installed.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
target=${TARGET:-target}

python3 -B tests/docs/forms.py || failures=$((failures + 1))
if ! make --no-print-directory "$target/docs/venv/bin/sphinx-build" >"$scratch/tools" 2>&1; then
    why=$(grep -m 1 -i error "$scratch/tools" | cut -c 1-160)
    case $why in
    # pip cannot reach an index. A version that does not exist is an error, not a reason to skip.
    *'from versions: none'* | *[Cc]onnection* | *ensurepip* | *venv*)
        echo "ok - the site builds without a warning # SKIP docs/requirements.txt cannot be installed: $why" ;;
    *)
        echo 'not ok - the tools of docs/requirements.txt can be installed'
        echo "#   $why"
        failures=$((failures + 1)) ;;
    esac
    finish
fi
# Build from scratch.
rm -rf "$target/docs/html"
# Red with `kal_client_opne` in a text: "c:identifier reference target not found: kal_client_opne"; with a link to errorz.md:
# "cross-reference target not found: 'errorz.md'"; with a function taken out of reference/log.md: "kal_set_log is in the header
# and on no page of the reference"; with a comment taken out of the header: "kal_version has no comment in the header".
claim 'the site builds without a warning' make --no-print-directory docs
python3 -B tests/docs/site.py "$target/docs/html" || failures=$((failures + 1))
finish
