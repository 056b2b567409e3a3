// SPDX-License-Identifier: Apache-2.0
// All steps of a network's run in time slices, so that host memory is bounded; all at once where a direction goes backward or rows have lengths.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array_view.h"
#include "network_job.h"
#include "progress.h"
#include "report.h"
#include "run_job.h"

// The most of x, and the most of y, in host memory at a time. A single step may exceed it.
enum { SLICE_BYTES = 8 << 20 };

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

static int no_memory(size_t bytes) {
    report("no memory for %zu bytes", bytes);
    return EXIT_FAILED;
}

static bool element_count(const int64_t *shape, int rank, size_t *out) {
    *out = 1;
    for (int axis = 0; axis < rank; axis++) {
        if (__builtin_mul_overflow(*out, (size_t)shape[axis], out))
            return false;
    }
    return true;
}

static oclstm_array array_of(void *data, oclstm_dtype dtype, int rank, const int64_t *shape) {
    oclstm_array array = {.data = data, .dtype = dtype, .rank = rank};
    memcpy(array.shape, shape, (size_t)rank * sizeof shape[0]);
    return array;
}

// --- the state ----------------------------------------------------------------------------------------------------------

static int read_state(const network_job *job, const run_source *source, const char *name, const int64_t *shape, void *dst) {
    const network_sizes *sizes = &job->sizes;
    oclstm_error error;
    if (source->tensor == NULL)
        return EXIT_DONE;
    bool fits = source->tensor->rank == sizes->state_rank;
    for (int axis = 0; fits && axis < sizes->state_rank; axis++)
        fits = source->tensor->shape[axis] == shape[axis];
    if (!fits) {
        report("%s: %s has another shape than the network's state, [%" PRId64 "]%s[%" PRId64 "] (layers x directions%s, features)",
               source->argument, name, shape[0], sizes->state_rank == 3 ? "[batch]" : "", shape[sizes->state_rank - 1],
               sizes->state_rank == 3 ? ", batch" : "");
        return EXIT_FAILED;
    }
    if (oclstm_tensor_read(source->file, source->tensor, 0, 0, shape[0], sizes->dtype, dst, false, &error) != OCLSTM_OK)
        return fail(&error);
    return EXIT_DONE;
}

// On the host where it comes from a file or goes to one, and where rows lie one after the other, which a stream does not take; otherwise in a stream.
int network_state_begin(network_job *job) {
    const cli_options *options = job->options;
    const network_sizes *sizes = &job->sizes;
    size_t h_count, c_count;
    if (!options->h0 && !options->hn && !options->cn && (!sizes->batch_first || sizes->whole))
        return EXIT_DONE;
    if (sizes->state_rank == 0 && sizes->future > 0) {
        report("--future with --batch-first needs recurrent layers of one width; give X as [steps][batch][features]");
        return EXIT_FAILED;
    }
    if (sizes->state_rank == 0) {
        job->sizes.whole = true; // no array for the state, and no stream: all steps at once
        return EXIT_DONE;
    }
    if (!element_count(sizes->h_shape, sizes->state_rank, &h_count) || !element_count(sizes->c_shape, sizes->state_rank, &c_count))
        return no_memory(SIZE_MAX);
    job->h = calloc(h_count, sizeof(double));
    job->c = calloc(c_count, sizeof(double));
    if (job->h == NULL || job->c == NULL)
        return no_memory((h_count + c_count) * sizeof(double));
    int code = read_state(job, &job->h0, "h0", sizes->h_shape, job->h);
    return code == EXIT_DONE ? read_state(job, &job->c0, "c0", sizes->c_shape, job->c) : code;
}

static int write_state(network_job *job) {
    oclstm_error error;
    const network_sizes *sizes = &job->sizes;
    if (job->outputs.hn && oclstm_npy_writer_write(job->outputs.hn, 0, 0, sizes->h_shape[0], job->h, &error) != OCLSTM_OK)
        return fail(&error);
    if (job->outputs.cn && oclstm_npy_writer_write(job->outputs.cn, 0, 0, sizes->c_shape[0], job->c, &error) != OCLSTM_OK)
        return fail(&error);
    return EXIT_DONE;
}

// --- the slices ---------------------------------------------------------------------------------------------------------

typedef struct slice_memory {
    void *x, *y; // x: unused for tokens of the whole
    size_t x_step_bytes, y_step_bytes;
    int64_t steps; // of a slice
} slice_memory;

static int slices_create(slice_memory *out, const network_job *job) {
    const network_sizes *sizes = &job->sizes;
    const size_t element = oclstm_dtype_size_bytes(sizes->dtype), batch = (size_t)sizes->batch;
    const size_t x_element = sizes->tokens ? oclstm_dtype_size_bytes(job->x.tensor->dtype) : element;
    size_t bytes;
    if (__builtin_mul_overflow(batch, (size_t)sizes->inputs * x_element, &out->x_step_bytes) ||
        __builtin_mul_overflow(batch, (size_t)sizes->outputs * element, &out->y_step_bytes))
        return no_memory(SIZE_MAX);
    const size_t widest = out->x_step_bytes > out->y_step_bytes ? out->x_step_bytes : out->y_step_bytes;
    const int64_t fit = (int64_t)(SLICE_BYTES / widest);
    out->steps = sizes->whole ? sizes->steps : fit < 1 ? 1 : fit < sizes->steps ? fit : sizes->steps;
    if (__builtin_mul_overflow((size_t)out->steps, out->x_step_bytes + out->y_step_bytes, &bytes))
        return no_memory(SIZE_MAX);
    out->x = calloc((size_t)out->steps, out->x_step_bytes);
    out->y = calloc((size_t)out->steps, out->y_step_bytes);
    return out->x != NULL && out->y != NULL ? EXIT_DONE : no_memory(bytes);
}

// Steps of the tokens, copied; their order stays.
static void take_tokens(const network_job *job, int64_t first, int64_t count, void *dst) {
    const network_sizes *sizes = &job->sizes;
    const size_t element = oclstm_dtype_size_bytes(job->x.tensor->dtype);
    const char *from = job->x.tensor->data;
    if (!sizes->batch_first) {
        memcpy(dst, from + (size_t)first * (size_t)sizes->batch * element, (size_t)count * (size_t)sizes->batch * element);
        return;
    }
    for (int64_t b = 0; b < sizes->batch; b++)
        memcpy((char *)dst + (size_t)(b * count) * element, from + (size_t)(b * sizes->steps + first) * element,
               (size_t)count * element);
}

// [steps][batch][features], with the batch first, or without one.
static int step_shape(const network_sizes *sizes, int64_t count, int64_t features, bool with_features, int64_t *shape) {
    int rank = 0;
    if (sizes->batch_first)
        shape[rank++] = sizes->batch;
    shape[rank++] = count;
    if (sizes->batched && !sizes->batch_first)
        shape[rank++] = sizes->batch;
    if (with_features)
        shape[rank++] = features;
    return rank;
}

static int bring(network_job *job, const slice_memory *memory, int64_t first, int64_t count, oclstm_const_array *x) {
    const network_sizes *sizes = &job->sizes;
    int64_t shape[3];
    oclstm_error error;
    const int rank = step_shape(sizes, count, sizes->inputs, !sizes->tokens, shape);
    *x = array_read_only(array_of(memory->x, sizes->tokens ? job->x.tensor->dtype : sizes->dtype, rank, shape));
    if (sizes->tokens)
        take_tokens(job, first, count, memory->x);
    else if (oclstm_tensor_read(job->x.file, job->x.tensor, sizes->batch_first ? 1 : 0, first, count, sizes->dtype, memory->x, true,
                                &error) != OCLSTM_OK)
        return fail(&error);
    return EXIT_DONE;
}

static int compute(network_job *job, oclstm_const_array x, oclstm_array y, oclstm_error *error) {
    const network_sizes *sizes = &job->sizes;
    oclstm_network_call call = {.y = y, .batch_first = sizes->batch_first};
    *(sizes->tokens ? &call.tokens : &call.x) = x;
    if (job->lengths.tensor != NULL)
        call.lengths =
            array_read_only(array_of((void *)(uintptr_t)job->lengths.tensor->data, job->lengths.tensor->dtype, 1, &sizes->batch));
    if (job->h != NULL) {
        call.hn = array_of(job->h, sizes->dtype, sizes->state_rank, sizes->h_shape);
        call.cn = array_of(job->c, sizes->dtype, sizes->state_rank, sizes->c_shape);
        call.h0 = array_read_only(call.hn);
        call.c0 = array_read_only(call.cn);
    }
    return oclstm_network_run(job->network, &call, error) == OCLSTM_OK ? EXIT_DONE : fail(error);
}

// A stream has a batch always.
static void add_batch(oclstm_const_array *x, oclstm_array *y) {
    for (int axis = x->rank; axis > 1; axis--)
        x->shape[axis] = x->shape[axis - 1];
    for (int axis = y->rank; axis > 1; axis--)
        y->shape[axis] = y->shape[axis - 1];
    x->shape[1] = y->shape[1] = 1;
    x->rank++;
    y->rank++;
}

static int compute_streaming(network_job *job, oclstm_const_array x, oclstm_array y, oclstm_error *error) {
    if (!job->sizes.batched)
        add_batch(&x, &y);
    if (job->stream == NULL && oclstm_stream_create(&job->stream, job->network, job->sizes.batch, error) != OCLSTM_OK)
        return fail(error);
    return oclstm_stream_feed(job->stream, &x, &y, error) == OCLSTM_OK ? EXIT_DONE : fail(error);
}

// From x, which is in memory, to y and where it goes.
static int run_slice(network_job *job, const slice_memory *memory, oclstm_const_array x, int64_t first, int64_t count) {
    const network_sizes *sizes = &job->sizes;
    int64_t shape[3];
    oclstm_error error;
    const int rank = step_shape(sizes, count, sizes->outputs, true, shape);
    const oclstm_array y = array_of(memory->y, sizes->dtype, rank, shape);
    const bool in_parts = (memory->steps < sizes->steps || sizes->future > 0) && job->h == NULL;
    const int code = in_parts ? compute_streaming(job, x, y, &error) : compute(job, x, y, &error);
    if (code == EXIT_DONE)
        run_plot_take(job->plot, memory->y, first, count);
    if (code != EXIT_DONE || job->outputs.y == NULL)
        return code;
    if (oclstm_npy_writer_write(job->outputs.y, sizes->batch_first ? 1 : 0, first, count, memory->y, &error) != OCLSTM_OK)
        return fail(&error);
    return EXIT_DONE;
}

// One step whose input is the last of the `count` outputs that were computed before.
static int run_future_step(network_job *job, const slice_memory *memory, int64_t step, int64_t count) {
    const network_sizes *sizes = &job->sizes;
    const size_t row_bytes = (size_t)sizes->outputs * oclstm_dtype_size_bytes(sizes->dtype);
    int64_t shape[3];
    for (int64_t b = 0; b < sizes->batch; b++) {
        const int64_t from = sizes->batch_first ? b * count + count - 1 : (count - 1) * sizes->batch + b;
        memcpy((char *)memory->x + (size_t)b * row_bytes, (const char *)memory->y + (size_t)from * row_bytes, row_bytes);
    }
    const int rank = step_shape(sizes, 1, sizes->inputs, true, shape);
    return run_slice(job, memory, array_read_only(array_of(memory->x, sizes->dtype, rank, shape)), step, 1);
}

// One step of zeros builds the kernels, so that the time of the steps is that of any later run.
static int warm_up(network_job *job, const slice_memory *memory) {
    const network_sizes *sizes = &job->sizes;
    int64_t shape[3];
    oclstm_error error;
    const double begin = run_clock();
    int rank = step_shape(sizes, 1, sizes->inputs, !sizes->tokens, shape);
    const oclstm_array x = array_of(memory->x, sizes->tokens ? job->x.tensor->dtype : sizes->dtype, rank, shape);
    oclstm_network_call call = {.batch_first = sizes->batch_first};
    *(sizes->tokens ? &call.tokens : &call.x) = array_read_only(x);
    rank = step_shape(sizes, 1, sizes->outputs, true, shape);
    call.y = array_of(memory->y, sizes->dtype, rank, shape);
    // The initial state that an ONNX node brings need not fit this batch; that is for the run to say.
    const oclstm_status status = oclstm_network_run(job->network, &call, &error);
    job->load_seconds += run_clock() - begin;
    return status == OCLSTM_OK || status == OCLSTM_INVALID_ARGUMENT ? EXIT_DONE : fail(&error);
}

int network_slices(network_job *job) {
    slice_memory memory = {0};
    progress bar;
    int code = slices_create(&memory, job);
    if (code == EXIT_DONE)
        code = warm_up(job, &memory);
    const double begin = run_clock();
    const int64_t given = job->sizes.steps, all = given + job->sizes.future;
    int64_t count = 1;
    progress_begin(&bar, job->options->quiet, begin);
    for (int64_t first = 0; first < all && code == EXIT_DONE && !run_signal(); first += count) {
        oclstm_const_array x;
        const int64_t before = count;
        count = first >= given ? 1 : given - first < memory.steps ? given - first : memory.steps;
        if (first >= given) {
            code = run_future_step(job, &memory, first, before);
        } else {
            code = bring(job, &memory, first, count, &x);
            code = code == EXIT_DONE ? run_slice(job, &memory, x, first, count) : code;
        }
        progress_update(&bar, first + count, all, run_clock());
    }
    progress_end(&bar);
    job->run_seconds = run_clock() - begin;
    free(memory.x);
    free(memory.y);
    return code == EXIT_DONE ? write_state(job) : code;
}
