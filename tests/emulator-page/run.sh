#!/bin/sh
# Tests the page of the emulator in a headless Chromium: page.py. Skipped with a message if there is none.
#
# KAL_EMULATOR  the program kal-emulator   (default: target/debug/kal-emulator)
# KAL_CHROMIUM  the browser                (default: chromium-headless-shell, chromium or google-chrome, from PATH)
set -eu
cd "$(dirname "$0")/../.."
KAL_EMULATOR=${KAL_EMULATOR:-target/debug/kal-emulator}
KAL_CHROMIUM=${KAL_CHROMIUM:-$(command -v chromium-headless-shell || command -v chromium || command -v google-chrome || true)}
export KAL_EMULATOR KAL_CHROMIUM
if [ -z "$KAL_CHROMIUM" ]; then
    echo "ok - the emulator's page works in a browser # SKIP apt-get install chromium-headless-shell, or KAL_CHROMIUM=PROGRAM"
    exit
fi
PYTHONPATH=tests/compat exec python3 -B tests/emulator-page/page.py
