// SPDX-License-Identifier: Apache-2.0
// The values of arrays, before the first step: lengths, tokens, classes; and the checksum by which a checkpoint knows its data.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "train_data.h"

static int64_t integer_at(const oclstm_tensor *tensor, int64_t place) {
    return tensor->dtype == OCLSTM_I64 ? ((const int64_t *)tensor->data)[place] : ((const int32_t *)tensor->data)[place];
}

static int64_t element_count(const oclstm_tensor *tensor) {
    int64_t count = 1;
    for (int axis = 0; axis < tensor->rank; axis++)
        count *= tensor->shape[axis];
    return count;
}

int train_lengths_load(train_data *data) {
    const run_source *source = &data->lengths_source;
    const oclstm_tensor *tensor = source->tensor;
    char text[192];
    if (!tensor)
        return EXIT_DONE;
    if ((tensor->dtype != OCLSTM_I64 && tensor->dtype != OCLSTM_I32) || tensor->swapped || tensor->rank != 1 ||
        tensor->shape[0] != data->sequences)
        return train_misfit("%s: lengths are %s %s; expected int64 or int32 [%" PRId64 "], one for each sequence", source->argument,
                            oclstm_dtype_name(tensor->dtype), train_shape_text(text, tensor), data->sequences);
    data->lengths = calloc((size_t)data->sequences, sizeof *data->lengths);
    if (!data->lengths)
        return train_no_memory((uint64_t)data->sequences * sizeof *data->lengths);
    for (int64_t i = 0; i < data->sequences; i++) {
        data->lengths[i] = integer_at(tensor, i);
        if (data->lengths[i] < 1 || data->lengths[i] > data->steps)
            return train_misfit("%s: the length of sequence %" PRId64 " is %" PRId64 "; expected 1 to %" PRId64, source->argument,
                                i, data->lengths[i], data->steps);
    }
    return EXIT_DONE;
}

// Numbers of a [steps][sequences] array within [0, bound), or equal to `also`; what is behind a sequence's end is not looked at.
static int check_range(const train_data *data, const cli_options *options, const run_source *source, const char *what,
                       int64_t bound, const int64_t *also) {
    const oclstm_tensor *tensor = source->tensor;
    for (int64_t place = 0; place < data->steps * data->sequences; place++) {
        const int64_t step = options->batch_first ? place % data->steps : place / data->sequences;
        const int64_t sequence = options->batch_first ? place / data->steps : place % data->sequences;
        const int64_t value = integer_at(tensor, place);
        if ((value >= 0 && value < bound) || (also && value == *also) || (data->lengths && step >= data->lengths[sequence]))
            continue;
        return train_misfit("%s: the %s of step %" PRId64 " of sequence %" PRId64 " is %" PRId64 "; expected 0 to %" PRId64 "%s",
                            source->argument, what, step, sequence, value, bound - 1,
                            also || what[0] == 't' ? "" : ", or --ignore-index for what must not count");
    }
    return EXIT_DONE;
}

// 64 bits at a time, each multiplied into the sum (after Fowler, Noll, Vo): against mistaken files, not against forgers.
static uint64_t mix(uint64_t sum, const void *data, size_t bytes) {
    const char *at = data;
    for (; bytes >= sizeof sum; at += sizeof sum, bytes -= sizeof sum) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        sum = (sum ^ word) * 0x100000001b3u;
        sum ^= sum >> 29;
    }
    for (; bytes > 0; at++, bytes--)
        sum = (sum ^ (unsigned char)*at) * 0x100000001b3u;
    return sum;
}

static uint64_t mix_tensor(uint64_t sum, const oclstm_tensor *tensor) {
    if (!tensor)
        return sum;
    sum = mix(sum, tensor->shape, (size_t)tensor->rank * sizeof tensor->shape[0]);
    return mix(sum, tensor->data, (size_t)element_count(tensor) * oclstm_dtype_size_bytes(tensor->dtype));
}

int train_values_check(const train_data *data, const cli_options *options, int64_t characters, int64_t classes) {
    const cli_training *training = &options->training;
    int code = EXIT_DONE;
    if (data->tokens)
        code = check_range(data, options, &data->x_source, "token", characters, NULL);
    if (code == EXIT_DONE && data->classes)
        code = check_range(data, options, &data->target_source, "class", classes,
                           training->ignore_index_given ? &training->ignore_index : NULL);
    return code;
}

uint64_t train_data_checksum(const train_data *data) {
    uint64_t sum = 0xcbf29ce484222325u;
    sum = mix_tensor(sum, data->x_source.tensor);
    sum = mix_tensor(sum, data->target_source.tensor);
    sum = mix_tensor(sum, data->lengths_source.tensor);
    if (!data->x_source.tensor)
        sum = mix(sum, data->x_owned, (size_t)data->steps * sizeof(int32_t));
    return sum;
}
