"""Runs all comparisons, or those named on the command line.

Every claim was seen to fail, with libraries that were broken on purpose: wrong texts in the structs, other JSON text, bad
answers taken for empty lists, filters left out or changed, other headers, forms in another order, secrets in a second place,
nothing cached, errors kept, redirects followed, no recovery from a 401, no connection kept, proxy variables read.
"""

import importlib
import logging
import os
import sys

# The machine's settings must not matter: tests that need one of these set it themselves.
for name in [n for n in os.environ if n.upper().endswith(("_PROXY", "_CA_BUNDLE")) or n.startswith(("KALEIDOSCOPE_", "SSL_CERT_")) or n == "NETRC"]:
    del os.environ[name]
os.environ["HOME"] = os.devnull

import claims  # noqa: E402

# The Python client warns about every invalid answer, and most of those here are intended.
logging.disable(logging.CRITICAL)

for part in sys.argv[1:] or ["reads", "requests_sent", "refusals", "decoding", "mixed", "differences", "better", "certificates"]:
    print(f"# {part}")
    with claims.claim(f"{part} runs to its end"):
        importlib.import_module(part).run()
sys.exit(claims.close())
