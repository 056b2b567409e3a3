#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the program: skip_without_device.sh PROGRAM ARGUMENT... Its exit code 3, no usable OpenCL device, becomes 77, skipped, unless CI is
# set.
"$@"
status=$?
[ $status -ne 3 ] || [ -n "${CI:-}" ] || exit 77
exit $status
