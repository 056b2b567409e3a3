// SPDX-License-Identifier: Apache-2.0
// What a network is trained on, as batches see it: sequences of equal numbers of steps in host memory, of arrays or of a text. Knows no device.
#ifndef OCLSTM_TOOL_TRAIN_DATA_H
#define OCLSTM_TOOL_TRAIN_DATA_H

#include "options.h"
#include "run_source.h"
#include "vocabulary.h"

// Some of the sequences: those to learn from, or those to measure on.
typedef struct train_part {
    int64_t first;     // of the arrays' sequences
    int64_t sequences; // 0: there is no such part
    int64_t steps;     // of each
    const char *x;     // of its first sequence, step 0; tokens of a network that takes them
    const char *target;
    const int64_t *lengths;             // [sequences], or NULL
    size_t x_sequence, target_sequence; // bytes from one sequence to the next
} train_part;

typedef struct train_data {
    bool tokens;               // x is tokens
    bool classes;              // targets are classes
    int64_t features, outputs; // of a step; 1 for tokens, 1 for classes
    oclstm_dtype x_dtype, target_dtype;
    size_t x_bytes, target_bytes; // of one step of one sequence
    size_t x_step, target_step;   // from one step to the next
    train_part training, validation;
    int64_t steps, sequences; // of the arrays; of a text: characters, and 0
    run_source x_source, target_source, lengths_source;
    vocabulary words; // of a text
    void *x_owned, *target_owned;
    int64_t *lengths;
    uint64_t owned_bytes; // of host memory
} train_data;

// Each returns an exit code and has said on standard error why it is not EXIT_DONE.

// --- arrays: X and TARGET ---

// Opens the files and holds their shapes against each other. Where the elements lie is not known before train_arrays_load().
int train_arrays_open(train_data *data, const cli_options *options);
// Holds them against the layers and the loss, converts them to `dtype` where they are not, and looks at every class, token and length.
int train_arrays_load(train_data *data, const cli_options *options, const oclstm_layer *layers, size_t count, oclstm_loss loss,
                      oclstm_dtype dtype);
// The values: lengths into data->lengths, tokens and classes within their bounds. classes: how many outputs there are.
int train_lengths_load(train_data *data);
int train_values_check(const train_data *data, const cli_options *options, int64_t characters, int64_t classes);

// --- a text: the next character of each ---

// Reads it: its own vocabulary, or the one of `model`, which may be NULL.
int train_text_open(train_data *data, const cli_options *options, const oclstm_tensors *model);
// Holds the vocabulary against the layers.
int train_text_check(const train_data *data, const oclstm_layer *layers, size_t count);

// --- both ---

// Divides the data into data->training and data->validation. *batch: sequences of a step.
int train_parts_decide(train_data *data, const cli_options *options, int64_t *batch);

// Where --batch and --validation do not fit, and for a memory shortage.
int train_misfit(const char *format, ...) __attribute__((format(printf, 1, 2)));
int train_no_memory(uint64_t bytes);

// Of all values, by which a checkpoint knows its data.
uint64_t train_data_checksum(const train_data *data);

void train_data_close(train_data *data);

// "[10][3][2]".
const char *train_shape_text(char text[192], const oclstm_tensor *tensor);

#endif
