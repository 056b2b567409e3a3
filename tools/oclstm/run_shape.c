// SPDX-License-Identifier: Apache-2.0
// Do the files fit each other? Decides steps, batch and dtype before a device is opened.
#include <inttypes.h>
#include <stdio.h>

#include "report.h"
#include "run_job.h"

static const char *shape_text(char *text, size_t capacity, const oclstm_tensor *tensor) {
    size_t used = 0;
    snprintf(text, capacity, "a scalar");
    for (int axis = 0; axis < tensor->rank && used < capacity; axis++)
        used += (size_t)snprintf(text + used, capacity - used, "[%" PRId64 "]", tensor->shape[axis]);
    return text;
}

static bool is_float(oclstm_dtype dtype) {
    return dtype == OCLSTM_F32 || dtype == OCLSTM_F64 || dtype == OCLSTM_F16 || dtype == OCLSTM_BF16;
}

static int decide_dtype(run_job *job) {
    const oclstm_dtype x = job->x.tensor->dtype, weights = job->entry.dtype;
    if (!is_float(x)) {
        report("%s: x is %s; a cell takes floating-point input: convert it to float32 or float64", job->x.argument,
               oclstm_dtype_name(x));
        return EXIT_FAILED;
    }
    const run_source *states[] = {&job->h0, &job->c0};
    for (int i = 0; i < 2; i++) {
        if (states[i]->tensor && states[i]->tensor->dtype != x) {
            report("%s: %s is %s, x is %s; both must have the same dtype", states[i]->argument, i ? "c0" : "h0",
                   oclstm_dtype_name(states[i]->tensor->dtype), oclstm_dtype_name(x));
            return EXIT_FAILED;
        }
    }
    if (job->options->dtype_given) {
        job->shape.dtype = job->options->dtype;
    } else if (x == OCLSTM_F64 && weights != OCLSTM_F64) {
        report("%s: x is float64, the weights of the cell are %s; choose with --dtype float32 or --dtype float64 (or float16, "
               "bfloat16)",
               job->x.argument, oclstm_dtype_name(weights));
        return EXIT_FAILED;
    } else {
        job->shape.dtype = x == OCLSTM_F64 ? OCLSTM_F64 : OCLSTM_F32;
    }
    // float32 goes into and comes out of cells of 16 bits; float16 stays where the file and the cell have it. There is no .npy of bfloat16.
    const oclstm_dtype cell = job->shape.dtype;
    job->shape.io_dtype = cell == OCLSTM_BF16 || (cell == OCLSTM_F16 && x != OCLSTM_F16) ? OCLSTM_F32 : cell;
    return EXIT_DONE;
}

static int decide_sizes(run_job *job) {
    const oclstm_tensor *x = job->x.tensor;
    run_shape *shape = &job->shape;
    const bool batch_first = job->options->batch_first;
    char text[192];
    if (x->rank < 1 || x->rank > 3) {
        report("%s: x is %s; expected %s, [steps][input] or [input]", job->x.argument, shape_text(text, sizeof text, x),
               batch_first ? "[batch][steps][input]" : "[steps][batch][input]");
        return EXIT_FAILED;
    }
    shape->x_rank = x->rank;
    shape->batch_first = batch_first && x->rank == 3;
    shape->input = job->entry.input_size;
    shape->hidden = job->entry.hidden_size;
    shape->steps = x->rank == 1 ? 1 : x->shape[shape->batch_first ? 1 : 0];
    shape->batch = x->rank == 3 ? x->shape[shape->batch_first ? 0 : 1] : 1;
    if (shape->steps < 1 || shape->batch < 1) {
        report("%s: x is %s; it needs at least one step%s", job->x.argument, shape_text(text, sizeof text, x),
               x->rank == 3 ? " and a batch of at least one" : "");
        return EXIT_FAILED;
    }
    if (x->shape[x->rank - 1] != shape->input) {
        report("%s: x is %s; its last dimension must be the cell's input size, %" PRId64 ", but is %" PRId64, job->x.argument,
               shape_text(text, sizeof text, x), shape->input, x->shape[x->rank - 1]);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

// [batch][hidden], or [hidden] where x has no batch; torch.nn.LSTM's form has a leading 1.
static int check_state(const run_job *job, const run_source *source, const char *name) {
    if (!source->tensor)
        return EXIT_DONE;
    const oclstm_tensor *tensor = source->tensor;
    const bool batched = job->shape.x_rank == 3;
    const int plain_rank = batched ? 2 : 1;
    const bool leading = tensor->rank == plain_rank + 1 && tensor->shape[0] == 1;
    const int64_t *shape = tensor->shape + (leading ? 1 : 0);
    char text[192];
    shape_text(text, sizeof text, tensor);
    if (tensor->rank != plain_rank && !leading) {
        report("%s: %s is %s; x has %s batch dimension, so %s is expected", source->argument, name, text, batched ? "a" : "no",
               batched ? "[batch][hidden]" : "[hidden]");
        return EXIT_FAILED;
    }
    if (batched && shape[0] != job->shape.batch) {
        report("%s: %s is %s; its batch must be that of x, %" PRId64 ", but is %" PRId64, source->argument, name, text,
               job->shape.batch, shape[0]);
        return EXIT_FAILED;
    }
    if (shape[plain_rank - 1] != job->shape.hidden) {
        report("%s: %s is %s; its last dimension must be the cell's hidden size, %" PRId64 ", but is %" PRId64, source->argument,
               name, text, job->shape.hidden, shape[plain_rank - 1]);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

int run_shape_decide(run_job *job) {
    int code = decide_sizes(job);
    if (code == EXIT_DONE)
        code = decide_dtype(job);
    if (code == EXIT_DONE)
        code = check_state(job, &job->h0, "h0");
    if (code == EXIT_DONE)
        code = check_state(job, &job->c0, "c0");
    return code;
}
