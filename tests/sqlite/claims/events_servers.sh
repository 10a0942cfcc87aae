# kal_events on servers with other orders and filters. Sourced by tests/sqlite/run.sh.
# shellcheck shell=sh

run python3 -B tests/sqlite/odd_servers.py
