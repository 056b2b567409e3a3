#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a program under Oclgrind, a simulated OpenCL device that finds races between work-items and accesses outside buffers:
# under_oclgrind.sh PROGRAM ARGUMENT... It fails when the program does or when Oclgrind has anything to say.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
OCLSTM_DEVICE=oclgrind oclgrind --data-races --log "$log" "$@"
status=$?
if [ -s "$log" ]; then
  sed 's/^/# /' "$log"
  echo "Bail out! Oclgrind found faults"
  exit 1
fi
exit $status
