// SPDX-License-Identifier: Apache-2.0
// A device's limits and quirks, for `oclstm devices`.
#ifndef OCLSTM_TOOLS_DEVICE_REPORT_H
#define OCLSTM_TOOLS_DEVICE_REPORT_H

#include <jansson.h>

#include <oclstm/oclstm.h>

// "7.8 GiB" on standard output.
void print_memory(uint64_t bytes);

// A block of lines, each indented.
void print_limits(const oclstm_device_info *info);

json_t *limits_to_json(const oclstm_device_info *info);

// [{"name", "effect", "reason", "seen_on"}].
json_t *quirks_to_json(const oclstm_device_info *info);

#endif
