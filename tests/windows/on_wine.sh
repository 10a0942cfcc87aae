# on_wine.sh BIN OUT URL: runs the programs that BIN/list and BIN/examples name on Wine, within the root that has it. URL is that of the
# emulator for the examples.
bin=$1 out=$2 url=$3
cd "$bin" || exit 1
# An interrupted run leaves its server, which does not see the directories of this one.
wineserver --kill >/dev/null 2>&1
# Makes the prefix, once; its server stays between programs.
wine wineboot --init >/dev/null 2>&1
while read -r test; do
    timeout 300 wine "$bin/$test.exe" >"$out/$test" 2>"$out/$test.stderr" </dev/null
    echo $? >"$out/$test.status"
done <"$bin/list"
export KALEIDOSCOPE_API_URL="$url" KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret
number=0
[ ! -s "$bin/examples" ] || while read -r expected program arguments; do
    # shellcheck disable=SC2086  # several words
    number=$((number + 1)) && timeout 60 wine "$bin/$program.exe" $arguments >"$out/example.$number" 2>&1 </dev/null
done <"$bin/examples"
wineserver --kill
