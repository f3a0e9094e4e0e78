#!/bin/sh
# Usage: submit.sh LB_URL PATH JSON [TRANSACTION_ID]; prints the outcome, exit code 0 if it is a 2xx.
set -u
lb=$1 path=$2 json=$3 id=${4:-$(cat /proc/sys/kernel/random/uuid)}
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
deadline=$(($(date +%s) + 60))
while [ "$(date +%s)" -lt "$deadline" ]; do
  status=$(curl -s -m 30 -o "$answer" -w '%{http_code}' -X POST "$lb$path" \
    -H 'Content-Type: application/json' -H "Transaction-ID: $id" -d "$json")
  case $status in
    000 | 502 | 503 | 504) ;;
    *) echo "$status $(cat "$answer")"; [ "$status" -lt 300 ]; exit ;;
  esac
  sleep 0.5
  while [ "$(date +%s)" -lt "$deadline" ] &&
    curl -s -m 30 "$lb/transactions/$id" | grep -q '"state":"ATTEMPTING"'; do
    sleep 0.5
  done
done
echo "no outcome of transaction $id in time; it may still be applied" >&2
exit 1
