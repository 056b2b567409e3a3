// SPDX-License-Identifier: Apache-2.0
// Cells on an opened device: created, run for the first time, run again, destroyed.
#include <stdlib.h>

#include "fault_run.h"

static oclstm_status create_and_read(fault_scene *scene) {
    enum { GATES = 4 * FAULT_HIDDEN };
    static double weight_ih[GATES * FAULT_INPUT], weight_hh[GATES * FAULT_HIDDEN], bias_ih[GATES], bias_hh[GATES];
    const oclstm_dtype dtype = scene->scenario->dtype;
    oclstm_cell *cell = NULL;
    oclstm_status status = fault_make_cell(&cell, scene->device, scene);
    const oclstm_array w_ih = oclstm_out_2d(weight_ih, dtype, GATES, FAULT_INPUT),
                       w_hh = oclstm_out_2d(weight_hh, dtype, GATES, FAULT_HIDDEN), b_ih = oclstm_out_1d(bias_ih, dtype, GATES),
                       b_hh = oclstm_out_1d(bias_hh, dtype, GATES);
    if (status == OCLSTM_OK)
        status = oclstm_cell_read_weights(cell, &w_ih, &w_hh, &b_ih, &b_hh, &scene->error);
    if (status == OCLSTM_OK) {
        fault_keep_results(scene, weight_ih, dtype, GATES * FAULT_INPUT);
        fault_keep_results(scene, weight_hh, dtype, GATES * FAULT_HIDDEN);
    }
    scene->closing_from = scene->control->count();
    oclstm_cell_destroy(&cell);
    return status;
}

static oclstm_status first_sequence(fault_scene *scene) {
    oclstm_cell *cell = NULL;
    oclstm_status status = fault_make_cell(&cell, scene->device, scene);
    if (status == OCLSTM_OK)
        status = fault_run_sequence(scene, cell, NULL);
    scene->closing_from = scene->control->count();
    oclstm_cell_destroy(&cell);
    return status;
}

static oclstm_status sequence(fault_scene *scene) { return fault_run_sequence(scene, scene->cell, NULL); }
static oclstm_status step(fault_scene *scene) { return fault_run_step(scene, scene->cell, NULL); }

// Two shapes in turn, so that the second call makes a plan beside the first one's.
static oclstm_status sequence_and_step(fault_scene *scene) {
    const oclstm_status status = fault_run_sequence(scene, scene->cell, NULL);
    return status == OCLSTM_OK ? fault_run_step(scene, scene->cell, NULL) : status;
}

static oclstm_status explain(fault_scene *scene) {
    char text[512];
    return oclstm_cell_explain(scene->cell, FAULT_BATCH, FAULT_STEPS, text, sizeof text, &scene->error);
}

// Two steps of FAULT_BATCH rows to a slice.
enum { SLICES = 2 * FAULT_BATCH * 4 * FAULT_HIDDEN * 4 };

#define ON_CELL   .begin = fault_begin_cell, .end = fault_end
#define ON_DEVICE .begin = fault_begin_device, .end = fault_end
#define PORTABLE  .engine = OCLSTM_ENGINE_PORTABLE
#define FUSED     .engine = OCLSTM_ENGINE_FUSED
#define CLBLAST   .engine = OCLSTM_ENGINE_CLBLAST

// Groups that meet: 128 hidden units are two groups' work with vectors of 16, too.
const fault_scenario fault_cell_scenarios[] = {
    {.name = "create", .run = create_and_read, ON_DEVICE},
    {.name = "create float64", .run = create_and_read, ON_DEVICE, .dtype = OCLSTM_F64},
    {.name = "first sequence portable", .run = first_sequence, ON_DEVICE, PORTABLE},
    {.name = "first sequence portable float64", .run = first_sequence, ON_DEVICE, PORTABLE, .dtype = OCLSTM_F64},
    {.name = "first sequence fused", .run = first_sequence, ON_DEVICE, FUSED},
    {.name = "first sequence fused, groups that meet", .run = first_sequence, ON_DEVICE, FUSED, .batch = 1, .hidden = 128},
    {.name = "first sequence clblast", .run = first_sequence, ON_DEVICE, CLBLAST},
    {.name = "first sequence clblast, one row", .run = first_sequence, ON_DEVICE, CLBLAST, .batch = 1},
    {.name = "sequence portable", .run = sequence, ON_CELL, PORTABLE, .slice_bytes = SLICES},
    {.name = "sequence portable, batch first", .run = sequence, ON_CELL, PORTABLE, .slice_bytes = SLICES, .batch_first = true},
    {.name = "sequence fused", .run = sequence, ON_CELL, FUSED, .slice_bytes = SLICES},
    {.name = "sequence fused, groups that meet", .run = sequence, ON_CELL, FUSED, .batch = 1, .hidden = 128, .slice_bytes = 4096},
    {.name = "sequence fused float64", .run = sequence, ON_CELL, FUSED, .slice_bytes = SLICES, .dtype = OCLSTM_F64},
    {.name = "first sequence portable float16", .run = first_sequence, ON_DEVICE, PORTABLE, .cell_dtype = OCLSTM_F16},
    {.name = "first sequence fused float16", .run = first_sequence, ON_DEVICE, FUSED, .cell_dtype = OCLSTM_F16},
    {.name = "sequence fused bfloat16", .run = sequence, ON_CELL, FUSED, .slice_bytes = SLICES, .cell_dtype = OCLSTM_BF16},
    {.name = "sequence clblast", .run = sequence, ON_CELL, CLBLAST, .slice_bytes = SLICES},
    {.name = "step portable", .run = step, ON_CELL, PORTABLE},
    {.name = "step fused", .run = step, ON_CELL, FUSED},
    {.name = "step clblast", .run = step, ON_CELL, CLBLAST},
    {.name = "sequence and step", .run = sequence_and_step, ON_CELL},
    {.name = "sequence on the caller's memory", .run = sequence, ON_CELL, .borrow_bytes = 1, .allowed = FAULT_BORROWS},
    {.name = "explain", .run = explain, ON_CELL, .allowed = FAULT_HAS_NO_NUMBERS},
    {0},
};
