// SPDX-License-Identifier: Apache-2.0
// Do x, the lengths and the layers fit each other? Before a device is opened.
#include <inttypes.h>
#include <stdio.h>

#include "network_job.h"
#include "report.h"

static bool is_float(oclstm_dtype dtype) {
    return dtype == OCLSTM_F32 || dtype == OCLSTM_F64 || dtype == OCLSTM_F16 || dtype == OCLSTM_BF16;
}

static bool is_integer(const oclstm_tensor *tensor) { return tensor->dtype == OCLSTM_I64 || tensor->dtype == OCLSTM_I32; }

static const char *shape_text(char text[192], const oclstm_tensor *tensor) {
    size_t used = 0;
    snprintf(text, 192, "a scalar");
    for (int axis = 0; axis < tensor->rank && used < 192; axis++)
        used += (size_t)snprintf(text + used, 192 - used, "[%" PRId64 "]", tensor->shape[axis]);
    return text;
}

// Integers are taken as they lie.
static int check_integers(const run_source *source, const char *what) {
    if (is_integer(source->tensor) && !source->tensor->swapped && (!source->tensor->fortran_order || source->tensor->rank < 2))
        return EXIT_DONE;
    report("%s: %s are %s%s; expected int64 or int32, in C order and native byte order", source->argument, what,
           oclstm_dtype_name(source->tensor->dtype),
           source->tensor->swapped         ? " in the other byte order"
           : source->tensor->fortran_order ? " in Fortran order"
                                           : "");
    return EXIT_FAILED;
}

static int decide_dtype(network_job *job) {
    const oclstm_dtype x = job->x.tensor->dtype;
    if (job->sizes.tokens)
        return check_integers(&job->x, "tokens");
    if (is_float(x))
        return EXIT_DONE;
    report("%s: x is %s; the network begins with '%s' and takes floating-point input", job->x.argument, oclstm_dtype_name(x),
           oclstm_layer_kind_name(job->layers[0].kind));
    return EXIT_FAILED;
}

static int decide_lengths(network_job *job) {
    const run_source *lengths = &job->lengths;
    char text[192];
    if (lengths->tensor == NULL)
        return EXIT_DONE;
    const int code = check_integers(lengths, "lengths");
    if (code != EXIT_DONE)
        return code;
    if (lengths->tensor->rank == 1 && lengths->tensor->shape[0] == job->sizes.batch)
        return EXIT_DONE;
    report("%s: lengths are %s, expected [%" PRId64 "]: one for each row of the batch", lengths->argument,
           shape_text(text, lengths->tensor), job->sizes.batch);
    return EXIT_FAILED;
}

// Outputs can be inputs where there are as many, and where no step is computed from later ones.
static int decide_future(network_job *job) {
    network_sizes *sizes = &job->sizes;
    sizes->future = job->options->future;
    if (sizes->future == 0)
        return EXIT_DONE;
    if (sizes->tokens || sizes->inputs != sizes->outputs) {
        report("--future needs a network with as many outputs as inputs; this one has %" PRId64 " output%s and takes %" PRId64
               " %s",
               sizes->outputs, sizes->outputs == 1 ? "" : "s", sizes->inputs, sizes->tokens ? "token a step" : "features");
        return EXIT_FAILED;
    }
    if (!sizes->whole)
        return EXIT_DONE;
    report("--future goes on behind the last step, which %s does not have",
           job->lengths.tensor != NULL ? "a batch with --lengths" : "a network with a backward direction");
    return EXIT_FAILED;
}

int network_sizes_decide(network_job *job) {
    network_sizes *sizes = &job->sizes;
    const oclstm_tensor *x = job->x.tensor;
    char text[192];
    sizes->tokens = job->layers[0].kind == OCLSTM_LAYER_EMBEDDING;
    sizes->inputs = sizes->tokens ? 1 : job->layers[0].inputs;
    sizes->outputs = job->layers[job->count - 1].outputs;
    sizes->whole = job->lengths.tensor != NULL;
    bool batch_first = job->options->batch_first;
    for (size_t i = 0; i < job->count; i++) {
        batch_first = batch_first || job->layers[i].batch_first;
        sizes->whole = sizes->whole || job->layers[i].directions == 2 || job->layers[i].reverse;
    }
    int code = decide_dtype(job);
    if (code != EXIT_DONE)
        return code;
    const int least = sizes->tokens ? 1 : 2;
    if (x->rank != least && x->rank != least + 1) {
        report("%s: %s %s; expected %s", job->x.argument, sizes->tokens ? "tokens are" : "x is", shape_text(text, x),
               sizes->tokens ? "[steps], [steps][batch] or, with --batch-first, [batch][steps]"
               : batch_first ? "[batch][steps][features] or [steps][features]"
                             : "[steps][batch][features] or [steps][features]");
        return EXIT_FAILED;
    }
    sizes->batched = x->rank == least + 1;
    sizes->batch_first = sizes->batched && batch_first;
    sizes->steps = x->shape[sizes->batch_first ? 1 : 0];
    sizes->batch = sizes->batched ? x->shape[sizes->batch_first ? 0 : 1] : 1;
    if (sizes->steps < 1 || sizes->batch < 1) {
        report("%s: x is %s; it needs at least one step and a batch of at least one", job->x.argument, shape_text(text, x));
        return EXIT_FAILED;
    }
    if (!sizes->tokens && x->shape[x->rank - 1] != sizes->inputs) {
        report("%s: x is %s; its last dimension must be the features of the first layer, %" PRId64 ", but is %" PRId64,
               job->x.argument, shape_text(text, x), sizes->inputs, x->shape[x->rank - 1]);
        return EXIT_FAILED;
    }
    const int lengths = decide_lengths(job);
    return lengths == EXIT_DONE ? decide_future(job) : lengths;
}
