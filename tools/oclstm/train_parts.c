// SPDX-License-Identifier: Apache-2.0
// What is learnt from and what is only measured on: the last sequences, or the end of the text; and the rows that a text is cut into.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "report.h"
#include "train_data.h"

enum { DEFAULT_BATCH = 32 };

static int split_sequences(train_data *data, const cli_options *options, int64_t *batch) {
    const double share = options->training.validation.value;
    int64_t held = (int64_t)llround(share * (double)data->sequences);
    if (share > 0.0 && data->sequences < 2)
        return train_misfit("--validation %g: there is one sequence, which is needed to learn from", share);
    if (share > 0.0) {
        held = held < 1 ? 1 : held < data->sequences ? held : data->sequences - 1;
        data->training.sequences -= held;
        const int64_t first = data->training.sequences;
        data->validation = (train_part){.first = first, .sequences = held, .steps = data->steps};
        data->validation.lengths = data->lengths ? data->lengths + first : NULL;
    }
    if (options->batch > data->training.sequences)
        return train_misfit("--batch %" PRId64 " is more than there are sequences to learn from, %" PRId64, options->batch,
                            data->training.sequences);
    *batch = options->batch ? options->batch : DEFAULT_BATCH;
    *batch = *batch < data->training.sequences ? *batch : data->training.sequences;
    return EXIT_DONE;
}

// Rows of equal length: row r begins at character r * steps of the part, its targets one further. What remains at the end is left out.
static train_part cut(const train_data *data, int64_t first, int64_t characters, int64_t rows) {
    const char *tokens = (const char *)data->x_owned + (size_t)first * data->x_bytes;
    const int64_t steps = (characters - 1) / rows;
    const size_t row_bytes = (size_t)steps * data->x_bytes;
    return (train_part){.sequences = rows,
                        .steps = steps,
                        .x = tokens,
                        .target = tokens + data->x_bytes,
                        .x_sequence = row_bytes,
                        .target_sequence = row_bytes};
}

static int split_text(train_data *data, const cli_options *options, int64_t *batch) {
    const double share = options->training.validation.value;
    int64_t held = (int64_t)llround(share * (double)data->steps);
    if (share > 0.0) {
        held = held < 2 ? 2 : held;
        if (data->steps - held < 2)
            return train_misfit("--validation %g leaves %" PRId64 " of %" PRId64 " characters to learn from; at least 2 are needed",
                                share, data->steps - held, data->steps);
    }
    const int64_t learnt = data->steps - held;
    *batch = options->batch ? options->batch : DEFAULT_BATCH < learnt - 1 ? DEFAULT_BATCH : learnt - 1;
    if (*batch > learnt - 1)
        return train_misfit("--batch %" PRId64 " is more rows than the text to learn from, %" PRId64 " characters, can be cut into",
                            *batch, learnt);
    data->training = cut(data, 0, learnt, *batch);
    if (share > 0.0)
        data->validation = cut(data, learnt, held, *batch < held - 1 ? *batch : held - 1);
    return EXIT_DONE;
}

int train_parts_decide(train_data *data, const cli_options *options, int64_t *batch) {
    return options->training.text ? split_text(data, options, batch) : split_sequences(data, options, batch);
}

void train_data_close(train_data *data) {
    run_source_close(&data->x_source);
    run_source_close(&data->target_source);
    run_source_close(&data->lengths_source);
    vocabulary_free(&data->words);
    free(data->x_owned);
    free(data->target_owned);
    free(data->lengths);
}
