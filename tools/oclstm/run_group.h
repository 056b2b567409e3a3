// SPDX-License-Identifier: Apache-2.0
// `oclstm run --device 0,1`: the cell on several devices. The state is kept in host arrays between slices, as a device's rows may change.
#ifndef OCLSTM_TOOL_RUN_GROUP_H
#define OCLSTM_TOOL_RUN_GROUP_H

#include "run_job.h"

// Opens the devices and loads the cell onto each. An exit code, with the fault said.
int run_group_load(run_job *job);
void run_group_close(run_job *job);

// The state before the first step: zero, then as set.
oclstm_status run_group_begin(run_job *job, oclstm_error *error);
void run_group_set_state(run_job *job, const oclstm_const_array *h, const oclstm_const_array *c);

// A slice, with the state carried on where there is one.
oclstm_status run_group_sequence(run_job *job, const oclstm_sequence *sequence, oclstm_error *error);

// The state after the last step, into these arrays; each may be NULL. Always OK.
oclstm_status run_group_state(const run_job *job, const oclstm_array *h, const oclstm_array *c);

// What each device did, at -v.
void run_group_summarise(const run_job *job);

#endif
