"""Runs all comparisons, or those named on the command line."""

import importlib
import os
import sys

# Whatever the machine has set must not decide: tests that want one of these set it themselves.
for name in [n for n in os.environ if n.upper().endswith(("_PROXY", "_CA_BUNDLE")) or n.startswith(("KALEIDOSCOPE_", "SSL_CERT_")) or n == "NETRC"]:
    del os.environ[name]
os.environ["HOME"] = os.devnull

import claims  # noqa: E402

for part in sys.argv[1:] or ["reads", "requests_sent", "refusals", "decoding", "mixed", "differences", "better", "certificates"]:
    print(f"# {part}")
    with claims.claim(f"{part} runs to its end"):
        importlib.import_module(part).run()
sys.exit(claims.close())
