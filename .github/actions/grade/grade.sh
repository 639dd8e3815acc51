#!/usr/bin/env bash
# Grades what find.sh listed. The step itself succeeds whatever the verdict is, so that the reports are
# uploaded; the exit code goes to the outputs.
set -euo pipefail

reports="$RUNNER_TEMP/lakehouse-labs-grades"
rm -rf -- "$reports"
paths=()
while IFS= read -r -d '' path; do
  # A name that begins with a dash is a path all the same.
  if [[ "$path" == /* ]]; then paths+=("$path"); else paths+=("./$path"); fi
done < "$LIST"
options=(--out "$reports" --workers "$WORKERS" --timeout "$TIMEOUT" --shard "$SHARD")
if [[ -n "$LAB" ]]; then options+=(--lab "$LAB"); fi
if [[ -n "$SEED" ]]; then options+=(--seed "$SEED"); fi
if [[ "$HIDDEN" != true ]]; then options+=(--no-hidden); fi

# Nothing that a submission prints is a command to the runner.
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$token"
code=0
CI=true "$GITHUB_ACTION_PATH/../../../lab" grade "${options[@]}" -- "${paths[@]}" || code=$?
echo
echo "::$token::"

if [[ -f "$reports/summary.md" ]]; then cat "$reports/summary.md" >> "$GITHUB_STEP_SUMMARY"; fi
{
  echo "exit-code=$code"
  echo "reports=$reports"
} >> "$GITHUB_OUTPUT"
