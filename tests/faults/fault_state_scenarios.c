// SPDX-License-Identifier: Apache-2.0
// States that stay on the device, and calls on the caller's buffers: what of them is still there after a failure.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_run.h"

enum { STATE = FAULT_BATCH * FAULT_HIDDEN };

static const float h_start[STATE] = {0.25F, -0.5F, 0.75F}, c_start[STATE] = {-1, 0.5F, 2};

static oclstm_const_array state_in(const float *values) { return oclstm_in_2d(values, OCLSTM_F32, FAULT_BATCH, FAULT_HIDDEN); }
static oclstm_array state_out(float *values) { return oclstm_out_2d(values, OCLSTM_F32, FAULT_BATCH, FAULT_HIDDEN); }

static bool fail_after(fault_scene *scene, const char *problem) {
    snprintf(scene->error.message, sizeof scene->error.message, "%s", problem);
    return false;
}

// --- a state's life ---------------------------------------------------------------------------------------------------

static oclstm_status live_and_die(fault_scene *scene) {
    static float h[STATE], c[STATE];
    const oclstm_const_array h_in = state_in(h_start), c_in = state_in(c_start);
    const oclstm_array h_out = state_out(h), c_out = state_out(c);
    oclstm_state *state = NULL;
    oclstm_status status = oclstm_state_create(&state, scene->cell, FAULT_BATCH, &scene->error);
    if (status == OCLSTM_OK)
        status = oclstm_state_set(state, &h_in, &c_in, &scene->error);
    if (status == OCLSTM_OK)
        status = fault_run_step(scene, scene->cell, state);
    if (status == OCLSTM_OK)
        status = fault_run_sequence(scene, scene->cell, state);
    if (status == OCLSTM_OK)
        status = oclstm_state_get(state, &h_out, &c_out, &scene->error);
    if (status == OCLSTM_OK) {
        fault_keep_results(scene, h, OCLSTM_F32, STATE);
        fault_keep_results(scene, c, OCLSTM_F32, STATE);
    }
    scene->closing_from = scene->control->count();
    oclstm_state_destroy(&state);
    return status;
}

// --- a state that is used when something fails ------------------------------------------------------------------------

static void set_start(fault_scene *scene) {
    const oclstm_const_array h = state_in(h_start), c = state_in(c_start);
    oclstm_state_set(scene->state, &h, &c, NULL);
}

// After a failure a state is as it was before the call; after a success it is one of the results.
static bool check_state(fault_scene *scene, oclstm_status status) {
    float h[STATE] = {0}, c[STATE] = {0};
    const oclstm_array h_out = state_out(h), c_out = state_out(c);
    if (oclstm_state_get(scene->state, &h_out, &c_out, &scene->error) != OCLSTM_OK)
        return false;
    if (status == OCLSTM_OK) {
        fault_keep_results(scene, h, OCLSTM_F32, STATE);
        fault_keep_results(scene, c, OCLSTM_F32, STATE);
        return true;
    }
    if (memcmp(h, h_start, sizeof h) != 0 || memcmp(c, c_start, sizeof c) != 0)
        return fail_after(scene, "the call failed, and the state is not what it was before");
    return true;
}

static oclstm_status sequence_with_state(fault_scene *scene) { return fault_run_sequence(scene, scene->cell, scene->state); }
static oclstm_status step_with_state(fault_scene *scene) { return fault_run_step(scene, scene->cell, scene->state); }

static oclstm_status set_state(fault_scene *scene) {
    static const float h[STATE] = {1, 2, 3}, c[STATE] = {4, 5, 6};
    const oclstm_const_array h_in = state_in(h), c_in = state_in(c);
    return oclstm_state_set(scene->state, &h_in, &c_in, &scene->error);
}

static oclstm_status zero_state(fault_scene *scene) { return oclstm_state_set(scene->state, NULL, NULL, &scene->error); }

// --- on the caller's buffers ------------------------------------------------------------------------------------------

typedef struct caller_buffers {
    cl_mem x, h, c, y;
    cl_event gate;  // what the work waits for
    cl_event ended; // what the call gives
} caller_buffers;

static cl_mem make_buffer(fault_scene *scene, size_t floats) {
    static float values[1024];
    for (size_t i = 0; i < floats; i++)
        values[i] = (float)(i % 17) * 0.125F - 1;
    return clCreateBuffer(oclstm_device_get_context(scene->device), CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                          floats * sizeof(float), values, NULL);
}

static oclstm_status begin_enqueue(fault_scene *scene) {
    static caller_buffers buffers;
    const oclstm_status status = fault_begin_cell(scene);
    if (status != OCLSTM_OK)
        return status;
    buffers = (caller_buffers){make_buffer(scene, FAULT_STEPS * FAULT_BATCH * FAULT_INPUT),
                               make_buffer(scene, STATE),
                               make_buffer(scene, STATE),
                               make_buffer(scene, (size_t)FAULT_STEPS * STATE),
                               NULL,
                               NULL};
    scene->own = &buffers;
    return buffers.y != NULL ? OCLSTM_OK : OCLSTM_OPENCL;
}

static void end_enqueue(fault_scene *scene) {
    const caller_buffers *buffers = scene->own;
    clReleaseMemObject(buffers->x);
    clReleaseMemObject(buffers->h);
    clReleaseMemObject(buffers->c);
    clReleaseMemObject(buffers->y);
    fault_end(scene);
}

static void close_gate(fault_scene *scene) {
    caller_buffers *buffers = scene->own;
    buffers->gate = clCreateUserEvent(oclstm_device_get_context(scene->device), NULL);
}

// The gate is closed: the call must return all the same.
static oclstm_status enqueue(fault_scene *scene) {
    caller_buffers *buffers = scene->own;
    const oclstm_buffers call = {.batch = FAULT_BATCH,
                                 .steps = FAULT_STEPS,
                                 .batch_first = scene->scenario->batch_first,
                                 .x = {buffers->x, 0},
                                 .h = {buffers->h, 0},
                                 .c = {buffers->c, 0},
                                 .y = {buffers->y, 0}};
    return oclstm_cell_enqueue(scene->cell, &call, 1, &buffers->gate, &buffers->ended, &scene->error);
}

static bool open_gate(fault_scene *scene, oclstm_status status) {
    static float y[FAULT_STEPS * STATE];
    caller_buffers *buffers = scene->own;
    cl_command_queue queue = oclstm_device_get_queue(scene->device);
    clSetUserEventStatus(buffers->gate, CL_COMPLETE);
    if (status != OCLSTM_OK && buffers->ended != NULL)
        return fail_after(scene, "the call failed, and gives an event");
    bool good = clFinish(queue) == CL_SUCCESS;
    if (buffers->ended != NULL) {
        good = good && clWaitForEvents(1, &buffers->ended) == CL_SUCCESS;
        clReleaseEvent(buffers->ended);
    }
    clReleaseEvent(buffers->gate);
    buffers->gate = buffers->ended = NULL;
    good = good && clEnqueueReadBuffer(queue, buffers->y, CL_TRUE, 0, sizeof y, y, 0, NULL, NULL) == CL_SUCCESS;
    if (status == OCLSTM_OK)
        fault_keep_results(scene, y, OCLSTM_F32, FAULT_STEPS * STATE);
    return good ? true : fail_after(scene, "the queue fails after the fault");
}

enum { SLICES = 2 * FAULT_BATCH * 4 * FAULT_HIDDEN * 4 };

#define ON_STATE .begin = fault_begin_state, .end = fault_end, .before = set_start, .after = check_state
#define ON_QUEUE                                                                                                                   \
    .run = enqueue, .begin = begin_enqueue, .end = end_enqueue, .before = close_gate, .after = open_gate,                          \
    .allowed = FAULT_LEAVES_WORK, .slice_bytes = SLICES
#define PORTABLE .engine = OCLSTM_ENGINE_PORTABLE
#define FUSED    .engine = OCLSTM_ENGINE_FUSED
#define CLBLAST  .engine = OCLSTM_ENGINE_CLBLAST

const fault_scenario fault_state_scenarios[] = {
    {.name = "a state's life", .run = live_and_die, .begin = fault_begin_cell, .end = fault_end, PORTABLE, .slice_bytes = SLICES},
    {.name = "sequence with a state, portable", .run = sequence_with_state, ON_STATE, PORTABLE, .slice_bytes = SLICES},
    {.name = "sequence with a state, fused", .run = sequence_with_state, ON_STATE, FUSED, .slice_bytes = SLICES},
    {.name = "sequence with a state, clblast", .run = sequence_with_state, ON_STATE, CLBLAST, .slice_bytes = SLICES},
    {.name = "step with a state, portable", .run = step_with_state, ON_STATE, PORTABLE},
    {.name = "step with a state, fused", .run = step_with_state, ON_STATE, FUSED},
    {.name = "state set", .run = set_state, ON_STATE},
    {.name = "state to zero", .run = zero_state, ON_STATE},
    {.name = "enqueue, portable", ON_QUEUE, PORTABLE},
    {.name = "enqueue, portable, batch first", ON_QUEUE, PORTABLE, .batch_first = true},
    {.name = "enqueue, fused", ON_QUEUE, FUSED},
    {.name = "enqueue, clblast", ON_QUEUE, CLBLAST},
    {0},
};
