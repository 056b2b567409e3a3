// SPDX-License-Identifier: Apache-2.0
// What the files of the fused engine share.
#ifndef OCLSTM_CELL_FUSED_PLAN_H
#define OCLSTM_CELL_FUSED_PLAN_H

#include "cell/fused.h"
#include "cell/plan.h"

// What a plan of this engine keeps.
typedef struct fused_data {
    fused_settings settings;
    cl_mem meet; // with groups that meet: their counters, see cl/fused_units.cl
    device_arg_cache arguments;
    size_t turn;     // 0 or 1: in which direction the next run begins
    cl_uint epoch;   // where the counters stand
    cl_int given_up; // how often groups did not meet, read back after each run without waiting
    cl_kernel probe; // made for prepare() only
} fused_data;

// The packed buffers of either layout.
enum { PACKED_IH, PACKED_HH, PACKED_BIAS };

// The settings of a plan's shape, held to those of the whole call where it is a share of one.
fused_settings fused_plan_settings(const cell_plan *plan, bool can_meet);

// See cell_engine.demand.
void fused_blocks_demand(device_demand *out, const oclstm_cell *cell, const fused_settings *settings, size_t batch, size_t steps);
void fused_lanes_demand(device_demand *out, const oclstm_cell *cell);

// The program of a shape's settings, as cell_engine.programs; always 1.
size_t fused_blocks_programs(engine_program *out, const oclstm_cell *cell, const fused_settings *settings);
size_t fused_lanes_programs(engine_program *out, const oclstm_cell *cell, const fused_settings *settings);

// Called with plan->engine_data and its settings in place.
oclstm_status fused_blocks_prepare(cell_plan *plan, oclstm_error *error);
oclstm_status fused_blocks_run(cell_plan *plan, const engine_run *run, oclstm_error *error);
oclstm_status fused_lanes_prepare(cell_plan *plan, oclstm_error *error);
oclstm_status fused_lanes_run(cell_plan *plan, const engine_run *run, oclstm_error *error);

#endif
