# Sourced by scripts that have a directory of their own, $scratch. `start_emulator [OPTION]...` starts KAL_EMULATOR and sets the
# environment variables of the examples for it; `stop_emulator` ends it.
# shellcheck shell=sh

start_emulator() {
    mkfifo "$scratch/stdin"
    "$KAL_EMULATOR" --exit-with-stdin --url-file "$scratch/url" "$@" <"$scratch/stdin" >"$scratch/emulator.log" 2>&1 &
    exec 9>"$scratch/stdin"
    while [ ! -s "$scratch/url" ]; do
        kill -0 $! 2>/dev/null || {
            cat "$scratch/emulator.log" >&2
            exit 1
        }
        sleep 0.05
    done
    KALEIDOSCOPE_API_URL=$(cat "$scratch/url")
    KALEIDOSCOPE_API_CLIENT_ID=demo-client
    KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret
    export KALEIDOSCOPE_API_URL KALEIDOSCOPE_API_CLIENT_ID KALEIDOSCOPE_API_CLIENT_SECRET
}

# Closing its standard input ends it.
stop_emulator() {
    exec 9>&-
    wait 2>/dev/null
    rm -f "$scratch/url" "$scratch/stdin"
    unset KALEIDOSCOPE_API_URL KALEIDOSCOPE_API_CLIENT_ID KALEIDOSCOPE_API_CLIENT_SECRET
}
