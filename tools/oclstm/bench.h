// SPDX-License-Identifier: Apache-2.0
// What `oclstm bench` measures and how it is shown. cmd_bench.c orders the parts, each other bench_*.c does one of them.
#ifndef OCLSTM_TOOL_BENCH_H
#define OCLSTM_TOOL_BENCH_H

#include "options.h"
#include "progress.h"

// Devices of a group whose shares are kept.
enum { MAX_SHARES = 8 };

// One shape on one device, or several, with one engine.
typedef struct bench_result {
    cli_shape shape;
    oclstm_dtype dtype;
    oclstm_engine engine; // the one that ran
    const oclstm_device_info *device;
    oclstm_roofs roofs; // zero where they were not measured
    bool single;
    bool train; // a call is a sequence forward and back
    // With several devices: their number and, for the first of them, the rows each had in the last call.
    size_t shares;
    oclstm_share share[MAX_SHARES];
    size_t calls;
    double seconds_min, seconds_median, seconds_p99, seconds_max; // of a call
} bench_result;

// A device in use, kept for all shapes that it serves.
typedef struct bench_device {
    oclstm_device *device;
    oclstm_roofs roofs;
} bench_device;

typedef struct bench_job {
    const cli_options *options;
    cli_shape shapes[MAX_SHAPES];
    int shape_count;
    bench_device devices[MAX_SHAPES];
    int device_count;
    int device_of[MAX_SHAPES]; // of each shape
    oclstm_device **group;     // with several devices named: all of them, each shape on all; no roofs
    size_t group_count;
    double *samples; // seconds of each call
    size_t sample_capacity;
    progress bar;
    int cases_done, cases; // shapes x engines
} bench_job;

// --- what a call costs ----------------------------------------------------------------------------------------------------

// The table of twelve, or for --single four cells, or for --train three.
int bench_default_shapes(cli_shape shapes[MAX_SHAPES], const cli_options *options);

// Floating-point operations of the two matrix products: 8 H (I + H) B T; three times as many forward and back.
double bench_operations(const cli_shape *shape, bool train);

// Bytes that a call must move where nothing stays in a cache: the weights once a step, x and y once.
double bench_bytes(const cli_shape *shape, oclstm_dtype dtype);

// "16,256,256,50".
const char *bench_shape_text(char text[96], const cli_shape *shape);

// Is there host memory for the arrays and the weights? False with the fault said.
bool bench_fits_memory(const cli_shape *shape, oclstm_dtype dtype);

// --- the parts: each returns an exit code and has said on standard error why it is not EXIT_DONE ----------------------------------

// Opens each shape's device and measures its roofs.
int bench_open_devices(bench_job *job);
void bench_close_devices(bench_job *job);

// A training call of a shape: what it needs in memory, and the call.
typedef struct bench_training bench_training;

oclstm_status bench_training_create(bench_training **out, oclstm_cell *cell, const cli_shape *shape, oclstm_engine engine,
                                    oclstm_error *error);
void bench_training_destroy(bench_training **training);
// The engine that runs it.
oclstm_engine bench_training_engine(const bench_training *training);
// Forward and back: x and the gradients of y from host arrays, y and the gradients of x to them; those of the weights stay on the device, as
// a framework's stay where the optimizer needs them.
oclstm_status bench_training_call(bench_training *training, const oclstm_sequence *sequence, oclstm_error *error);

// Measures shape `place` with an engine. *ran is false where the engine cannot run there, which is said.
int bench_measure(bench_result *out, bool *ran, bench_job *job, int place, oclstm_engine engine);

// `oclstm bench --gemm`.
int bench_gemm(const cli_options *options);

// --- showing --------------------------------------------------------------------------------------------------------------

void bench_print_header(const bench_job *job);
void bench_print_result(const bench_result *result);
int bench_print_json(const bench_result *result);

// --- charts ---------------------------------------------------------------------------------------------------------------

typedef struct bench_plot bench_plot;

// Says what is wrong with FILE, or that gnuplot is missing, before anything is measured; makes room for the two files.
int bench_plot_begin(bench_plot **out, const char *file);
int bench_plot_draw(bench_plot *plot, const bench_result *results, size_t count);
// Removes what is not complete. Accepts NULL and a pointer to NULL.
void bench_plot_end(bench_plot **plot);

#endif
