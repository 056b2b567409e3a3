// SPDX-License-Identifier: Apache-2.0
// A text: tokens in order, the target of each the next.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "train_data.h"

static int read_file(char **text, size_t *bytes, const char *path) {
    enum { PART = 1 << 20 };
    FILE *file = fopen(path, "rb");
    size_t got;
    *text = NULL;
    *bytes = 0;
    if (!file)
        return train_misfit("%s: cannot be read: %s", path, strerror(errno));
    do {
        char *longer = realloc(*text, *bytes + PART);
        if (!longer) {
            fclose(file);
            return train_no_memory(*bytes + PART);
        }
        *text = longer;
        got = fread(*text + *bytes, 1, PART, file);
        *bytes += got;
    } while (got == PART);
    const int fault = ferror(file) ? errno : 0;
    fclose(file);
    return fault ? train_misfit("%s: cannot be read: %s", path, strerror(fault)) : EXIT_DONE;
}

int train_text_open(train_data *data, const cli_options *options, const oclstm_tensors *model) {
    const char *path = options->training.text;
    char *text = NULL;
    size_t bytes;
    int32_t *tokens = NULL;
    int code = read_file(&text, &bytes, path);
    if (code == EXIT_DONE && model)
        code = vocabulary_of_file(&data->words, model);
    if (code == EXIT_DONE && data->words.count == 0)
        code = vocabulary_of_text(&data->words, text, bytes, path);
    if (code == EXIT_DONE)
        code = vocabulary_tokens(&data->words, &tokens, &data->steps, text, bytes, path);
    free(text);
    data->x_owned = tokens;
    data->owned_bytes = bytes * sizeof *tokens;
    data->tokens = data->classes = true;
    data->features = data->outputs = 1;
    data->x_dtype = data->target_dtype = OCLSTM_I32;
    data->x_bytes = data->target_bytes = data->x_step = data->target_step = sizeof *tokens;
    if (code == EXIT_DONE && data->steps < 2)
        code = train_misfit("%s: the text has %" PRId64 " character%s; at least 2 are needed, one to learn the other from", path,
                            data->steps, data->steps == 1 ? "" : "s");
    return code;
}

int train_text_check(const train_data *data, const oclstm_layer *layers, size_t count) {
    const oclstm_layer *first = &layers[0], *last = &layers[count - 1];
    const int64_t needed = (int64_t)data->words.count;
    if (first->kind != OCLSTM_LAYER_EMBEDDING)
        return train_misfit("--text: the network begins with '%s'; a text needs an embedding of %" PRId64
                            " characters, such as \"embed %" PRId64 " 32\"",
                            oclstm_layer_kind_name(first->kind), needed, needed);
    if (first->inputs != needed)
        return train_misfit("--text: the embedding is for %" PRId64 " characters; this text's vocabulary has %" PRId64
                            ": \"embed %" PRId64 " %" PRId64 "\" fits",
                            first->inputs, needed, needed, first->outputs);
    if (last->outputs != needed)
        return train_misfit("--text: the network has %" PRId64 " outputs; this text's vocabulary has %" PRId64
                            " characters, and each needs one: \"linear %" PRId64 "\" at the end fits",
                            last->outputs, needed, needed);
    return EXIT_DONE;
}
