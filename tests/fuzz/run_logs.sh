#!/bin/sh
# run_logs.sh BUILD SECONDS [FORMAT...]: fuzzes the readers of logs, one after the other, and divides the
# seconds among them. BUILD was configured with --enable-fuzzers. What a target learns is kept in
# BUILD/fuzz-corpus, what breaks one in BUILD/fuzz-findings. Prints a line a target:
#
#     FORMAT seconds executions edges "nothing found" | "FOUND"
set -u

here=$(cd "$(dirname "$0")" && pwd)
build=$1
seconds=$2
shift 2
if [ $# -eq 0 ]; then
    for target in "$build"/tests/fuzz/fuzz_log_*; do
        case $target in *.o) ;; *) [ -x "$target" ] && set -- "$@" "${target##*/fuzz_log_}" ;; esac
    done
fi
[ $# -gt 0 ] || {
    echo "run_logs.sh: no target in $build/tests/fuzz; configure with --enable-fuzzers CC=clang" >&2
    exit 2
}
each=$((seconds / $#))
[ "$each" -gt 0 ] || each=1
mkdir -p "$build/fuzz-findings"
status=0
for format; do
    learned=$build/fuzz-corpus/$format
    log=$build/fuzz-findings/$format.log
    mkdir -p "$learned"
    # Seeds of all formats: a reader has to get along with the others' logs, too.
    nice "$build/tests/fuzz/fuzz_log_$format" -max_total_time="$each" -rss_limit_mb=1024 \
        -timeout=10 -max_len=32768 -print_final_stats=1 -verbosity=1 \
        -artifact_prefix="$build/fuzz-findings/$format-" \
        "$learned" "$here"/corpus/log_* "$here"/corpus/tensorboard "$here"/corpus/wandb >"$log" 2>&1
    result=$?
    [ $result -eq 0 ] || status=1
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d ' ' -f 2)
    [ $result -eq 0 ] && word="nothing found" || word="FOUND: see $log"
    echo "$format ${each} s ${executions:-?} ${edges:-?} $word"
done
exit $status
