// SPDX-License-Identifier: Apache-2.0
// Is it a cell or a network that the file describes?
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "network_job.h"
#include "report.h"

static void append(char *text, size_t capacity, const char *more) {
    const size_t used = strlen(text);
    snprintf(text + used, capacity - used, "%s", more);
}

void network_text(char *text, size_t capacity, const oclstm_layer *layers, size_t count) {
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const oclstm_layer *layer = &layers[i];
        const bool recurrent = layer->hidden_size > 0;
        char part[512], extra[160] = "";
        if (layer->num_layers > 1)
            snprintf(extra, sizeof extra, ", %d layers", layer->num_layers);
        if (layer->directions == 2)
            append(extra, sizeof extra, ", both directions");
        if (layer->reverse)
            append(extra, sizeof extra, ", backward");
        if (layer->proj_size > 0)
            snprintf(extra + strlen(extra), sizeof extra - strlen(extra), ", projection %" PRId64, layer->proj_size);
        if (layer->general)
            append(extra, sizeof extra, ", with ONNX's options");
        if (recurrent || layer->kind == OCLSTM_LAYER_LINEAR || layer->kind == OCLSTM_LAYER_EMBEDDING)
            snprintf(part, sizeof part, "%s%s%s%s (%" PRId64 " -> %" PRId64 "%s)", i > 0 ? ", " : "",
                     oclstm_layer_kind_name(layer->kind), layer->name[0] != '\0' ? " " : "", layer->name, layer->inputs,
                     layer->outputs, extra);
        else
            snprintf(part, sizeof part, "%s%s", i > 0 ? ", " : "", oclstm_layer_kind_name(layer->kind));
        append(text, capacity, part);
    }
}

void network_say_engines(const oclstm_network *network, int64_t batch, int64_t steps) {
    char text[2048];
    if (oclstm_network_explain(network, batch, steps, text, sizeof text, NULL) != OCLSTM_OK)
        return;
    for (char *line = text, *end; line; line = end ? end + 1 : NULL) {
        end = strchr(line, '\n');
        report("layer %.*s", end ? (int)(end - line) : (int)strlen(line), line);
    }
}

static bool is_cell(const oclstm_layer *layers, size_t count) {
    return count == 1 && (layers[0].kind == OCLSTM_LAYER_LSTM_CELL || layers[0].kind == OCLSTM_LAYER_LSTM) &&
           layers[0].num_layers == 1 && layers[0].directions < 2 && layers[0].proj_size == 0 && !layers[0].general &&
           !layers[0].reverse && !layers[0].batch_first;
}

int network_wanted(const oclstm_tensors *model, const cli_options *options, oclstm_layer **layers, size_t *count) {
    oclstm_error error;
    *layers = NULL;
    *count = 0;
    if (options->future && options->cell != NULL) {
        report("run: --future is for layers: name the cell's with --layers instead of --cell");
        return EXIT_MISUSE;
    }
    if (options->layers == NULL && options->cell != NULL)
        return EXIT_DONE;
    const oclstm_network_params params = {.layers = options->layers};
    const oclstm_status status = oclstm_network_find(layers, count, model, &params, &error);
    if (status == OCLSTM_OK) {
        if (options->layers == NULL && options->lengths == NULL && !options->future && is_cell(*layers, *count))
            oclstm_network_layers_free(layers);
        return EXIT_DONE;
    }
    // A file with one cell among other things: the cell, as ever.
    if (options->layers == NULL && !options->future && oclstm_tensors_metadata(model, "oclstm.layers") == NULL &&
        oclstm_tensors_cells(model, NULL, 0) == 1) {
        if (options->verbose)
            report("only the cell is run: %s", error.message);
        return EXIT_DONE;
    }
    report_error(&error);
    return exit_code_of(status);
}
