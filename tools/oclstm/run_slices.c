// SPDX-License-Identifier: Apache-2.0
// All steps of a run in time slices: x from the file, through the cell with the state kept on the device, y to its file. Host
// memory is bounded by the slice, whatever the length of x.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array_view.h"
#include "progress.h"
#include "report.h"
#include "run_group.h"
#include "run_job.h"

// The most of x, and the most of y, in host memory at a time. A single step may exceed it.
enum { SLICE_BYTES = 32 << 20 };
// A slice is to take about this long, so that the progress bar moves and Ctrl-C is heard.
static const double SLICE_SECONDS = 1.0;

typedef struct slice_buffers {
    void *x;
    void *y;
    size_t x_step_bytes;
    size_t y_step_bytes;
    int64_t steps_most; // that fit into the bound
    int64_t steps;      // in a slice
} slice_buffers;

double run_clock(void) {
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int fail(const oclstm_error *error) {
    report_error(error);
    return EXIT_FAILED;
}

static oclstm_status apply(run_job *job, const oclstm_sequence *sequence, oclstm_error *error) {
    return job->group ? run_group_sequence(job, sequence, error) : oclstm_cell_sequence(job->cell, sequence, error);
}

static int slices_create(slice_buffers *out, const run_shape *shape) {
    const size_t element = oclstm_dtype_size_bytes(shape->io_dtype);
    size_t x_bytes = 0, y_bytes = 0;
    if (__builtin_mul_overflow((size_t)shape->batch, (size_t)shape->input * element, &x_bytes) ||
        __builtin_mul_overflow((size_t)shape->batch, (size_t)shape->hidden * element, &y_bytes)) {
        report("a step of batch %lld is larger than the address space", (long long)shape->batch);
        return EXIT_FAILED;
    }
    const size_t widest = x_bytes > y_bytes ? x_bytes : y_bytes;
    const int64_t most = (int64_t)(SLICE_BYTES / widest);
    out->x_step_bytes = x_bytes;
    out->y_step_bytes = y_bytes;
    out->steps_most = most < 1 ? 1 : most > shape->steps ? shape->steps : most;
    out->x = calloc((size_t)out->steps_most, x_bytes);
    out->y = calloc((size_t)out->steps_most, y_bytes);
    if (out->x && out->y)
        return EXIT_DONE;
    report("no memory for a slice of %lld steps: %zu bytes", (long long)out->steps_most,
           (size_t)out->steps_most * (x_bytes + y_bytes));
    return EXIT_FAILED;
}

static void slices_destroy(slice_buffers *out) {
    free(out->x);
    free(out->y);
}

// x or y of some steps: what the library is to read or write at `data`.
static oclstm_array describe(const run_shape *shape, void *data, int64_t steps, int64_t width) {
    if (shape->x_rank < 3)
        return oclstm_out_2d(data, shape->io_dtype, steps, width);
    if (shape->batch_first)
        return oclstm_out_3d(data, shape->io_dtype, shape->batch, steps, width);
    return oclstm_out_3d(data, shape->io_dtype, steps, shape->batch, width);
}

static oclstm_sequence sequence_of(const run_job *job, const slice_buffers *slices, int64_t steps) {
    return (oclstm_sequence){.x = array_read_only(describe(&job->shape, slices->x, steps, job->shape.input)),
                             .y = describe(&job->shape, slices->y, steps, job->shape.hidden),
                             .batch_first = job->shape.batch_first};
}

// One step of zeros builds the kernels; a second tells how long a step takes at most, and so how many make a slice.
static int warm_up(run_job *job, slice_buffers *slices) {
    oclstm_error error;
    const oclstm_sequence sequence = sequence_of(job, slices, 1);
    const double begin = run_clock();
    if (apply(job, &sequence, &error) != OCLSTM_OK)
        return fail(&error);
    const double built = run_clock();
    job->times.kernels = built - begin;
    slices->steps = slices->steps_most;
    if (job->shape.steps == 1)
        return EXIT_DONE;
    if (apply(job, &sequence, &error) != OCLSTM_OK)
        return fail(&error);
    const double fitting = SLICE_SECONDS / (run_clock() - built + 1e-9);
    if (fitting < (double)slices->steps_most)
        slices->steps = fitting < 1.0 ? 1 : (int64_t)fitting;
    return EXIT_DONE;
}

// The axis of a file that runs with time; a file of one step [input] is one index of nothing, read whole.
static int run_slice(run_job *job, const slice_buffers *slices, int64_t first, int64_t count) {
    const run_shape *shape = &job->shape;
    const bool one = shape->x_rank == 1;
    const int axis = shape->batch_first ? 1 : 0;
    oclstm_error error;
    if (oclstm_tensor_read(job->x.file, job->x.tensor, axis, one ? 0 : first, one ? shape->input : count, shape->io_dtype,
                           slices->x, true, &error) != OCLSTM_OK)
        return fail(&error);
    oclstm_sequence sequence = sequence_of(job, slices, count);
    sequence.state = job->state;
    if (!job->outputs.y && !job->plot)
        sequence.y = (oclstm_array){0};
    if (apply(job, &sequence, &error) != OCLSTM_OK)
        return fail(&error);
    run_plot_take(job->plot, slices->y, first, count);
    if (job->outputs.y &&
        oclstm_npy_writer_write(job->outputs.y, axis, one ? 0 : first, one ? shape->hidden : count, slices->y, &error) != OCLSTM_OK)
        return fail(&error);
    return EXIT_DONE;
}

// The state as an array of one, or [batch] rows.
static oclstm_array state_array(const run_shape *shape, void *data) {
    if (shape->x_rank < 3)
        return oclstm_out_1d(data, shape->io_dtype, shape->hidden);
    return oclstm_out_2d(data, shape->io_dtype, shape->batch, shape->hidden);
}

static oclstm_status read_all(const run_job *job, const run_source *source, void *data, oclstm_error *error) {
    return oclstm_tensor_read(source->file, source->tensor, 0, 0, source->tensor->shape[0], job->shape.io_dtype, data, false,
                              error);
}

static int begin_state(run_job *job, const slice_buffers *slices) {
    oclstm_error error;
    if (job->group && run_group_begin(job, &error) != OCLSTM_OK)
        return fail(&error);
    if (!job->group &&
        oclstm_state_create(&job->state, job->cell, job->shape.x_rank == 3 ? job->shape.batch : 0, &error) != OCLSTM_OK)
        return fail(&error);
    if (!job->h0.tensor)
        return EXIT_DONE;
    void *c_data = calloc(1, slices->y_step_bytes);
    if (!c_data) {
        report("no memory for c0: %zu bytes", slices->y_step_bytes);
        return EXIT_FAILED;
    }
    const oclstm_const_array h = array_read_only(state_array(&job->shape, slices->y)),
                             c = array_read_only(state_array(&job->shape, c_data));
    oclstm_status status = read_all(job, &job->h0, slices->y, &error);
    if (status == OCLSTM_OK)
        status = read_all(job, &job->c0, c_data, &error);
    if (status == OCLSTM_OK && job->group)
        run_group_set_state(job, &h, &c);
    else if (status == OCLSTM_OK)
        status = oclstm_state_set(job->state, &h, &c, &error);
    free(c_data);
    return status == OCLSTM_OK ? EXIT_DONE : fail(&error);
}

// The state after the last step, h then c, each through y's buffer.
static int write_state(const run_job *job, const slice_buffers *slices) {
    oclstm_npy_writer *writers[] = {job->outputs.hn, job->outputs.cn};
    const oclstm_array array = state_array(&job->shape, slices->y);
    oclstm_error error;
    for (int i = 0; i < 2; i++) {
        if (!writers[i])
            continue;
        if ((job->group ? run_group_state(job, i == 0 ? &array : NULL, i == 1 ? &array : NULL)
                        : oclstm_state_get(job->state, i == 0 ? &array : NULL, i == 1 ? &array : NULL, &error)) != OCLSTM_OK ||
            oclstm_npy_writer_write(writers[i], 0, 0, array.shape[0], slices->y, &error) != OCLSTM_OK)
            return fail(&error);
    }
    return EXIT_DONE;
}

static int run_all(run_job *job, const slice_buffers *slices) {
    const int64_t steps = job->shape.steps;
    progress bar;
    int code = EXIT_DONE;
    const double begin = run_clock();
    progress_begin(&bar, job->options->quiet, begin);
    for (int64_t first = 0; first < steps && code == EXIT_DONE; first += slices->steps) {
        const int64_t left = steps - first;
        progress_update(&bar, first, steps, run_clock());
        code = run_signal() ? EXIT_SIGNAL + run_signal() : EXIT_DONE;
        if (code == EXIT_DONE)
            code = run_slice(job, slices, first, left < slices->steps ? left : slices->steps);
    }
    progress_end(&bar);
    job->times.steps = run_clock() - begin;
    return code;
}

int run_slices(run_job *job) {
    slice_buffers slices = {0};
    int code = slices_create(&slices, &job->shape);
    if (code == EXIT_DONE)
        code = warm_up(job, &slices);
    if (code == EXIT_DONE)
        code = begin_state(job, &slices);
    if (code == EXIT_DONE)
        code = run_all(job, &slices);
    if (code == EXIT_DONE)
        code = write_state(job, &slices);
    slices_destroy(&slices);
    return code;
}
