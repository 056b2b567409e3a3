// SPDX-License-Identifier: Apache-2.0
// The fault run: scenarios, each a use of the library, and what the run that lets their OpenCL calls fail shares with them.
#ifndef OCLSTM_TESTS_FAULT_RUN_H
#define OCLSTM_TESTS_FAULT_RUN_H

#include <oclstm/oclstm.h>
#include <oclstm/opencl.h>

#include "fault_layer.h"

enum { FAULT_STEPS = 5, FAULT_BATCH = 3, FAULT_INPUT = 5, FAULT_HIDDEN = 7, FAULT_RESULTS = 4096 };

// What a scenario is allowed, beyond what every one is.
enum {
    FAULT_FINDS_DEVICES = 1,    // it asks platforms and devices for facts, whose loss may only make a device poorer, or unusable
    FAULT_BORROWS = 2,          // it tries to use the caller's memory where it lies, and copies where it cannot
    FAULT_LEAVES_WORK = 4,      // it does not wait for what it enqueues
    FAULT_PASSES_OVER = 8,      // it tries candidates, and passes over those that fail
    FAULT_HAS_NO_DEVICE = 16,   // no opened device that an error could name
    FAULT_HAS_NO_NUMBERS = 32,  // nothing to compare
    FAULT_IS_SLOW = 64,         // in the quick run only a few of its calls fail
    FAULT_KEEPS_KERNELS = 128,  // it keeps built kernels on disk, where it can
    FAULT_TAKES_KERNELS = 256,  // it takes them from there, and builds those that it cannot take
    FAULT_ASKS_CACHE = 512,     // it asks how large the device's cache is, and does without
    FAULT_KEEPS_PARTS = 1024,   // parts of a device may stay
    FAULT_HAS_OTHERS = 2048,    // other devices do what one has failed to do
    FAULT_CHOOSES_ENGINE = 4096 // another engine may take the place of one whose kernels do not build
};

typedef struct fault_scene {
    const fault_control *control;
    const struct fault_scenario *scenario;

    // Made by begin(), kept for all attempts.
    oclstm_device *device;
    oclstm_cell *cell;
    oclstm_state *state;
    void *own;

    // Of one attempt.
    oclstm_error error;
    double results[FAULT_RESULTS];
    size_t result_count;
    unsigned closing_from; // calls made before it began to destroy and close; 0: it does not
} fault_scene;

typedef struct fault_scenario {
    const char *name;
    oclstm_status (*run)(fault_scene *scene); // the calls that fail in turn
    oclstm_status (*begin)(fault_scene *scene);
    void (*end)(fault_scene *scene);
    void (*before)(fault_scene *scene); // each attempt
    // Each attempt, when nothing fails any more: false, with scene->error.message, where something is not as it should be.
    bool (*after)(fault_scene *scene, oclstm_status status);
    unsigned allowed;
    oclstm_engine engine;
    oclstm_dtype dtype;                  // of the host's arrays, F32 or F64
    oclstm_dtype cell_dtype;             // where the cell has another one
    int64_t steps, batch, input, hidden; // 0: FAULT_STEPS ...
    bool batch_first;
    size_t slice_bytes, borrow_bytes; // 0: as it is
} fault_scenario;

// The scenarios, of several files, each list closed by one without a name.
extern const fault_scenario fault_device_scenarios[], fault_cell_scenarios[], fault_state_scenarios[], fault_kernel_scenarios[],
    fault_group_scenarios[], fault_search_scenarios[], fault_network_scenarios[], fault_train_scenarios[];

// The device that scenarios open: OCLSTM_DEVICE, or NULL.
const char *fault_device(void);

// Notes results of an attempt.
void fault_keep_results(fault_scene *scene, const void *values, oclstm_dtype dtype, size_t count);

// Opens scene->device, and makes scene->cell and scene->state as the scenario says.
oclstm_status fault_begin_device(fault_scene *scene);
oclstm_status fault_begin_cell(fault_scene *scene);
oclstm_status fault_begin_state(fault_scene *scene);
void fault_end(fault_scene *scene);

// A cache folder of the scenario's own, and back to none. It is emptied of kernels, and must have nothing else left.
bool fault_cache_begin(void);
void fault_cache_end(void);

oclstm_cell_params fault_cell_params(const fault_scenario *scenario);
oclstm_status fault_make_cell(oclstm_cell **cell, oclstm_device *device, fault_scene *scene);
// A sequence with all arrays given, or the state, and its results when it has run.
oclstm_sequence fault_make_sequence(const fault_scene *scene, oclstm_state *state);
void fault_keep_sequence(fault_scene *scene, const oclstm_sequence *call);
// A sequence, or a step, on a cell, all arrays given; with a state, that one.
oclstm_status fault_run_sequence(fault_scene *scene, oclstm_cell *cell, oclstm_state *state);
oclstm_status fault_run_step(fault_scene *scene, oclstm_cell *cell, oclstm_state *state);

#endif
