// SPDX-License-Identifier: Apache-2.0
// What `oclstm run` holds while it works: cmd_run.c orders the parts, each other run_*.c does one of them.
#ifndef OCLSTM_TOOL_RUN_JOB_H
#define OCLSTM_TOOL_RUN_JOB_H

#include "options.h"
#include "run_plot.h"
#include "run_source.h"

// What x, the state and the cell agree on.
typedef struct run_shape {
    int x_rank;    // 1: one step [input]; 2: [steps][input]; 3: with a batch
    int64_t steps; // at least 1
    int64_t batch; // at least 1; 1 without a batch dimension
    int64_t input;
    int64_t hidden;
    bool batch_first;      // only at rank 3
    oclstm_dtype dtype;    // of the cell
    oclstm_dtype io_dtype; // of the arrays handed over and of the files written
} run_shape;

// The results, each an array being written; NULL = not wanted.
typedef struct run_outputs {
    oclstm_npy_writer *y;
    oclstm_npy_writer *hn;
    oclstm_npy_writer *cn;
} run_outputs;

// Seconds.
typedef struct run_times {
    double device;  // opening it
    double cell;    // weights to the device
    double kernels; // the first call, which builds them
    double steps;   // all steps, reading x and writing y included
} run_times;

typedef struct run_job {
    const cli_options *options;
    oclstm_tensors *model;
    oclstm_cell_entry entry;
    run_source x, h0, c0;
    run_shape shape;
    run_outputs outputs;
    run_plot *plot; // NULL: none
    oclstm_device *device;
    oclstm_cell *cell;
    oclstm_state *state;
    // With several devices these instead, see run_group.h.
    oclstm_device **devices;
    size_t device_count;
    oclstm_group *group;
    void *h_state, *c_state; // [batch][hidden]
    run_times times;
    uint64_t weights_bytes; // on the device, as the cell was made
} run_job;

// Each returns an exit code and has said on standard error why it is not EXIT_DONE.
int run_shape_decide(run_job *job);   // from model and sources: everything that can be wrong without a device
int run_outputs_create(run_job *job); // reserves the files
int run_output_create(oclstm_npy_writer **out, const char *path, oclstm_dtype dtype, int rank,
                      const int64_t *shape);  // one; path NULL: none
int run_outputs_commit(run_outputs *outputs); // all results appear
void run_outputs_discard(run_outputs *outputs);
const char *run_y_path(const cli_options *options); // where y goes, or NULL
int run_slices(run_job *job);                       // all steps, slice by slice

// Seconds of a clock that only runs forward.
double run_clock(void);

// Ctrl-C and its kind stop the run between slices. The signal's number once one came, else 0.
void run_catch_signals(void);
int run_signal(void);

// A descriptor for poll() that becomes readable when the signal comes, so that waiting for input ends too; never read it. -1 with errno set
// where there can be none.
int run_signal_descriptor(void);

// What to say when the signal comes, for work that cannot stop at once.
void run_announce_stop(const char *text);

#endif
