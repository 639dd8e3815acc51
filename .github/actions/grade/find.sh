#!/usr/bin/env bash
# Lists what to grade, separated by null bytes: PATHS (one a line), else the notebooks that the
# commits since BASE added or changed. Names come from a pull request and are never evaluated.
set -euo pipefail

list="$RUNNER_TEMP/lakehouse-labs.list"
: > "$list"
if [[ -n "${PATHS//[$'\n\r\t ']/}" ]]; then
  while IFS= read -r path; do
    if [[ -n "$path" ]]; then printf '%s\0' "$path" >> "$list"; fi
  done <<< "$PATHS"
else
  if [[ -z "${BASE//0/}" ]] || ! git cat-file -e "$BASE^{commit}" 2> /dev/null; then
    # A first push, or a shallow clone: what the last commit changed, or everything.
    BASE=$(git rev-parse --verify --quiet HEAD^ || git hash-object -t tree /dev/null)
  fi
  # A course's own starters and solutions are no submissions.
  git diff --name-only -z --diff-filter=ACMRT "$(git merge-base "$BASE" HEAD 2> /dev/null || echo "$BASE")" HEAD -- \
    '*.ipynb' ':(exclude)labs' ':(exclude)solutions' > "$list"
fi
count=$(tr -cd '\0' < "$list" | wc -c | tr -d ' ')
{
  echo "list=$list"
  echo "count=$count"
} >> "$GITHUB_OUTPUT"
if [[ "$count" == 0 ]]; then
  echo "No notebook was changed; nothing to grade." | tee -a "$GITHUB_STEP_SUMMARY"
else
  echo "$count to grade"
fi
