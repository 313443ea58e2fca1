#!/bin/sh
# The benchmarks run, with tiny sizes, and write what they promise. No time is asserted.
program=${TW_BUILDDIR:-.}/bench/trainward-bench
results=$(mktemp) && output=$(mktemp) || exit 99
trap 'rm -f "$results" "$output"' EXIT
echo "1..3"

"$program" --smoke --output "$results" >"$output" 2>&1
status=$?
sed 's/^/# /' "$output"
if test "$status" = 0 &&
    names=$(sed -n 's/^    "name": "\(.*\)",$/\1/p' "$results" | LC_ALL=C sort | tr '\n' ' ') &&
    test "$names" = "analyze_text_vs_strtod analyze_tfevents_vs_crc decode_record_ns emit_p99_ns gemm_share_b128 monitoring_cost_ratio state_bytes_per_run stats_dram_ratio stats_l2_ratio trainer_with_dead_broker_ratio watch_record_ns "; then
    echo "ok 1 - every figure is written"
else
    echo "# exit status $status; $names"
    echo "not ok 1 - every figure is written"
fi

missing=
for key in value unit rounds quartiles signals cpu time; do
    test "$(grep -c "\"$key\": " "$results")" -ge 11 || missing="$missing $key"
done
if test -z "$missing"; then
    echo "ok 2 - with its spread, its signals and the machine"
else
    echo "not ok 2 - with its spread, its signals and the machine:$missing"
fi

"$program" --smoke no_such_ratio >/dev/null 2>&1
if test $? = 2; then
    echo "ok 3 - a benchmark that there is not is refused"
else
    echo "not ok 3 - a benchmark that there is not is refused"
fi
