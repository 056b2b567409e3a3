// SPDX-License-Identifier: Apache-2.0
// X and TARGET: do they fit each other and the network, and where do their elements lie?
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"
#include "train_data.h"

static bool is_float(const oclstm_tensor *tensor) {
    return tensor->dtype == OCLSTM_F32 || tensor->dtype == OCLSTM_F64 || tensor->dtype == OCLSTM_F16 ||
           tensor->dtype == OCLSTM_BF16;
}

static bool is_integer(const oclstm_tensor *tensor) { return tensor->dtype == OCLSTM_I64 || tensor->dtype == OCLSTM_I32; }

const char *train_shape_text(char text[192], const oclstm_tensor *tensor) {
    size_t used = 0;
    snprintf(text, 192, "a scalar");
    for (int axis = 0; axis < tensor->rank && used < 192; axis++)
        used += (size_t)snprintf(text + used, 192 - used, "[%" PRId64 "]", tensor->shape[axis]);
    return text;
}

int train_misfit(const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report("train: %s", text);
    return EXIT_FAILED;
}

int train_no_memory(uint64_t bytes) { return train_misfit("no host memory for %" PRIu64 " bytes", bytes); }

// Integers are taken as they lie.
static int check_numbers(const run_source *source, const char *what) {
    const oclstm_tensor *tensor = source->tensor;
    if (is_float(tensor) || (is_integer(tensor) && !tensor->swapped && (!tensor->fortran_order || tensor->rank < 2)))
        return EXIT_DONE;
    return train_misfit("%s: %s is %s%s; expected floating-point numbers, or int64 or int32 in C order and native byte order",
                        source->argument, what, oclstm_dtype_name(tensor->dtype),
                        tensor->swapped         ? " in the other byte order"
                        : tensor->fortran_order ? " in Fortran order"
                                                : "");
}

// [steps][sequences] of an array, whose rank is `features` more.
static void extents(const oclstm_tensor *tensor, bool batched, bool batch_first, int64_t *steps, int64_t *sequences) {
    *steps = tensor->shape[batched && batch_first ? 1 : 0];
    *sequences = batched ? tensor->shape[batch_first ? 0 : 1] : 1;
}

static int open_x(train_data *data, const cli_options *options) {
    const oclstm_tensor *x = data->x_source.tensor;
    char text[192];
    int code = check_numbers(&data->x_source, "X");
    if (code != EXIT_DONE)
        return code;
    data->tokens = is_integer(x);
    const int least = data->tokens ? 1 : 2;
    if (x->rank != least && x->rank != least + 1)
        return train_misfit("%s: X is %s %s; expected %s", options->input, oclstm_dtype_name(x->dtype), train_shape_text(text, x),
                            data->tokens           ? "tokens [steps][sequences], with --batch-first [sequences][steps], or [steps]"
                            : options->batch_first ? "[sequences][steps][features] or [steps][features]"
                                                   : "[steps][sequences][features] or [steps][features]");
    extents(x, x->rank == least + 1, options->batch_first, &data->steps, &data->sequences);
    data->features = data->tokens ? 1 : x->shape[x->rank - 1];
    if (data->steps < 1 || data->sequences < 1 || data->features < 1)
        return train_misfit("%s: X is %s: there is nothing to learn from", options->input, train_shape_text(text, x));
    return EXIT_DONE;
}

static int open_target(train_data *data, const cli_options *options) {
    const oclstm_tensor *target = data->target_source.tensor, *x = data->x_source.tensor;
    const char *name = options->training.target;
    char text[192], other[192];
    int64_t steps, sequences;
    int code = check_numbers(&data->target_source, "TARGET");
    if (code != EXIT_DONE)
        return code;
    data->classes = is_integer(target);
    const bool batched = x->rank == (data->tokens ? 2 : 3);
    const int rank = (batched ? 2 : 1) + (data->classes ? 0 : 1);
    if (target->rank == rank) {
        extents(target, batched, options->batch_first, &steps, &sequences);
        if (steps == data->steps && sequences == data->sequences) {
            data->outputs = data->classes ? 1 : target->shape[rank - 1];
            return EXIT_DONE;
        }
    }
    return train_misfit("%s: TARGET is %s %s, X is %s: expected %" PRId64 " steps of %" PRId64 " sequence%s, as [%s][%s]%s", name,
                        oclstm_dtype_name(target->dtype), train_shape_text(text, target), train_shape_text(other, x), data->steps,
                        data->sequences, data->sequences == 1 ? "" : "s", options->batch_first ? "sequences" : "steps",
                        options->batch_first ? "steps" : "sequences", data->classes ? " of classes" : "[outputs]");
}

int train_arrays_open(train_data *data, const cli_options *options) {
    int code = run_source_open(&data->x_source, options->input);
    if (code == EXIT_DONE)
        code = run_source_open(&data->target_source, options->training.target);
    if (code == EXIT_DONE)
        code = run_source_open(&data->lengths_source, options->lengths);
    if (code == EXIT_DONE)
        code = open_x(data, options);
    if (code == EXIT_DONE)
        code = open_target(data, options);
    if (code == EXIT_DONE)
        code = train_lengths_load(data);
    data->training = (train_part){.sequences = data->sequences, .steps = data->steps, .lengths = data->lengths};
    return code;
}

// In memory as it lies in the file, or converted.
static int place(train_data *data, const run_source *source, oclstm_dtype dtype, const char **out, void **owned) {
    const oclstm_tensor *tensor = source->tensor;
    const size_t element = oclstm_dtype_size_bytes(dtype);
    uint64_t bytes = element;
    oclstm_error error;
    *out = tensor->data;
    if (is_integer(tensor) || (tensor->dtype == dtype && !tensor->fortran_order && !tensor->swapped))
        return EXIT_DONE;
    for (int axis = 0; axis < tensor->rank; axis++)
        if (__builtin_mul_overflow(bytes, (uint64_t)tensor->shape[axis], &bytes))
            return train_no_memory(UINT64_MAX);
    if (bytes > SIZE_MAX || !(*owned = malloc(bytes)))
        return train_no_memory(bytes);
    data->owned_bytes += bytes;
    *out = *owned;
    if (oclstm_tensor_read(source->file, tensor, 0, 0, tensor->shape[0], dtype, *owned, true, &error) == OCLSTM_OK)
        return EXIT_DONE;
    report_error(&error);
    return EXIT_FAILED;
}

static int check_layers(const train_data *data, const cli_options *options, const oclstm_layer *layers, size_t count,
                        oclstm_loss loss) {
    const oclstm_layer *first = &layers[0], *last = &layers[count - 1];
    const bool tokens = first->kind == OCLSTM_LAYER_EMBEDDING;
    const char *x_type = oclstm_dtype_name(data->x_source.tensor->dtype),
               *target_type = oclstm_dtype_name(data->target_source.tensor->dtype);
    char text[192];
    if (tokens != data->tokens)
        return train_misfit("%s: X is %s; the network begins with '%s' and takes %s", options->input, x_type,
                            oclstm_layer_kind_name(first->kind), tokens ? "tokens, int64 or int32" : "floating-point numbers");
    if (!tokens && data->features != first->inputs)
        return train_misfit("%s: X is %s; its last dimension must be the features of the first layer, %" PRId64, options->input,
                            train_shape_text(text, data->x_source.tensor), first->inputs);
    if ((loss == OCLSTM_LOSS_CROSS_ENTROPY) != data->classes)
        return train_misfit("%s: TARGET is %s; the loss %s takes %s", options->training.target, target_type, oclstm_loss_name(loss),
                            data->classes ? "floating-point numbers, one for each output"
                                          : "classes, int64 or int32, one for each step of each sequence");
    if (!data->classes && data->outputs != last->outputs)
        return train_misfit("%s: TARGET is %s; its last dimension must be the outputs of the network, %" PRId64,
                            options->training.target, train_shape_text(text, data->target_source.tensor), last->outputs);
    return EXIT_DONE;
}

int train_arrays_load(train_data *data, const cli_options *options, const oclstm_layer *layers, size_t count, oclstm_loss loss,
                      oclstm_dtype dtype) {
    const oclstm_tensor *x = data->x_source.tensor, *target = data->target_source.tensor;
    const char *x_data = NULL, *target_data = NULL;
    int code = check_layers(data, options, layers, count, loss);
    if (code != EXIT_DONE)
        return code;
    data->x_dtype = data->tokens ? x->dtype : dtype;
    data->target_dtype = data->classes ? target->dtype : dtype;
    code = place(data, &data->x_source, data->x_dtype, &x_data, &data->x_owned);
    if (code == EXIT_DONE)
        code = place(data, &data->target_source, data->target_dtype, &target_data, &data->target_owned);
    if (code != EXIT_DONE)
        return code;
    data->x_bytes = (size_t)data->features * oclstm_dtype_size_bytes(data->x_dtype);
    data->target_bytes = (size_t)data->outputs * oclstm_dtype_size_bytes(data->target_dtype);
    const size_t steps = (size_t)data->steps, sequences = (size_t)data->sequences;
    data->x_step = options->batch_first ? data->x_bytes : sequences * data->x_bytes;
    data->target_step = options->batch_first ? data->target_bytes : sequences * data->target_bytes;
    train_part *parts[] = {&data->training, &data->validation};
    for (int i = 0; i < 2; i++) {
        parts[i]->x_sequence = options->batch_first ? steps * data->x_bytes : data->x_bytes;
        parts[i]->target_sequence = options->batch_first ? steps * data->target_bytes : data->target_bytes;
        parts[i]->x = x_data + (size_t)parts[i]->first * parts[i]->x_sequence;
        parts[i]->target = target_data + (size_t)parts[i]->first * parts[i]->target_sequence;
    }
    return train_values_check(data, options, layers[0].inputs, layers[count - 1].outputs);
}
