// SPDX-License-Identifier: Apache-2.0
// One cell of the self-test's matrix: every case on one device by one engine in one dtype, as single steps or as sequences.
#ifndef OCLSTM_TOOL_SELFTEST_GROUP_H
#define OCLSTM_TOOL_SELFTEST_GROUP_H

#include <jansson.h>

#include "options.h"
#include "selftest_case.h"

typedef struct selftest_group {
    oclstm_engine engine;
    oclstm_dtype dtype;
    selftest_form form;
    size_t passed, failed;
    size_t broken; // of the failed: calls that gave an error instead of results
    comparison fields[SELFTEST_FIELDS];
    comparison worst; // of all cases, as a part of its tolerance
    double tolerance; // of the case below
    const selftest_case *worst_case;
    char skipped[1100]; // why the device cannot run it; empty when it did
    char fault[1100];   // what the first broken call said
} selftest_group;

// Runs the cases of the group, the short list with --quick. Says each failure, at -v each case.
void selftest_group_run(selftest_group *group, const selftest_target *target, const cli_options *options);

// "pass", "fail", "error" where a call failed, "skipped" where the device cannot.
const char *selftest_group_result(const selftest_group *group);

// The worst element in words, on one line of standard output.
void selftest_group_print_worst(const selftest_group *group, const cli_options *options);

// The group as an object; the caller's.
json_t *selftest_group_to_json(const selftest_group *group);

// The seed of the data.
uint64_t selftest_seed(const cli_options *options);

// Fills groups[] with what is to be run: the engines asked for, in each dtype, in the forms given by a mask of 1 << form. How many.
enum { SELFTEST_GROUPS = 24 };
size_t selftest_groups_list(selftest_group groups[SELFTEST_GROUPS], unsigned forms, const cli_options *options);

#endif
