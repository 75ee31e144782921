#!/bin/bash
# tests/run.sh [--show] BUILD TEST...: runs every test even if one fails, and closes with "N passed, N failed"
# (", N skipped"). Exits non-zero if one failed or none ran.
#
# A test is a program that prints TAP, as cmocka does when asked, or a script tests/check_* that either prints TAP or
# counts as one test by its exit status (77: skipped). A program that dies, or runs fewer tests than it planned, or
# fails without a "not ok", counts as a failure. Output goes to BUILD/tests/NAME.log and is shown for what
# failed, and always with --show.
set -u
show=
[ "${1-}" = --show ] && show=1 && shift
build=$1
shift

export CMOCKA_MESSAGE_OUTPUT=TAP
# Idle threads sleep: on a busy machine (CI) spinning ones take the time that the others need.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY-passive}
unset CMOCKA_XML_FILE CMOCKA_TEST_FILTER
[ "${CI-}" = true ] && unset GOLDEN # rewriting golden files is no test
supp=$PWD/tests
export ASAN_OPTIONS="${ASAN_OPTIONS-detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1}"
export LSAN_OPTIONS="${LSAN_OPTIONS-print_suppressions=0$([ -e "$supp/lsan.supp" ] && echo ":suppressions=$supp/lsan.supp")}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS-print_stacktrace=1}"
# oneDNN brings its own, uninstrumented, OpenMP runtime: only what we compiled is judged.
export TSAN_OPTIONS="${TSAN_OPTIONS-ignore_noninstrumented_modules=1:second_deadlock_stack=1}"

# ThreadSanitizer's shadow memory needs addresses that newer kernels randomise further than it knows.
prefix=
case ${SANITIZE-} in *thread*) setarch -R true 2>/dev/null && prefix='setarch -R' ;; esac
# Not a limit on a test: a guard so that one that hangs for ever ends as a failure.
hang_guard=${TEST_HANG_SECONDS:-1800}

[ $# != 0 ] || { echo "tests/run.sh: there is no such test" >&2; exit 1; }
passed=0 failed=0 skipped=0 failures=
mkdir -p "$build/tests"
for test in "$@"; do
    name=$(basename "$test")
    log=$build/tests/$name.log
    start=$EPOCHREALTIME
    [[ $test == */* ]] || test=./$test
    timeout -k 10 "$hang_guard" $prefix "$test" >"$log" 2>&1 </dev/null
    status=$?
    seconds=$(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $start }")
    read -r planned ok not_ok skip < <(awk '
        /^1\.\.[0-9]+/ { planned += substr($1, 4) }
        /^(not )?ok [0-9]+ .*# SKIP/ { skip++; next } # cmocka 1.1 says "not ok 2 # SKIP name"
        /^not ok/ { not_ok++ }
        /^ok/ { ok++ }
        END { print planned + 0, ok + 0, not_ok + 0, skip + 0 }' "$log")
    why=
    if [ "$planned" = 0 ]; then
        ok=0 not_ok=0 skip=0
        case $status in
        0) ok=1 ;;
        77) skip=1 ;;
        *) not_ok=1 why="exit status $status" ;;
        esac
        [[ $name == test_* ]] && ok=0 not_ok=1 why="ran no test, exit status $status"
    elif [ $((ok + not_ok + skip)) -lt "$planned" ]; then
        why="stopped after $((ok + not_ok + skip)) of $planned tests, exit status $status"
        not_ok=$((planned - ok - skip))
    elif [ "$status" != 0 ] && [ "$not_ok" = 0 ]; then
        not_ok=1 why="exit status $status although every test passed"
    fi
    [ "$status" = 124 ] && why="hung: stopped after $hang_guard s"
    passed=$((passed + ok)) failed=$((failed + not_ok)) skipped=$((skipped + skip))
    if [ "$not_ok" != 0 ]; then
        failures="$failures $name"
        printf '  FAILED  %-28s %6s s  %s\n' "$name" "$seconds" "${why:-$not_ok of $((ok + not_ok + skip))}"
        cat "$log"
    else
        printf '  ok      %-28s %6s s  %s\n' "$name" "$seconds" "$ok$([ "$skip" = 0 ] || echo ", $skip skipped")"
        if [ -n "$show" ]; then cat "$log"; else grep -h '^SKIPPED' "$log" | sort -u | sed 's/^/            /'; fi
    fi
done

[ -z "$failures" ] || echo "failed:$failures"
echo "$passed passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
[ "$failed" = 0 ] && [ $((passed + skipped)) != 0 ]
