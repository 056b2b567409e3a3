// SPDX-License-Identifier: Apache-2.0
// `oclstm info`: the tensors of a file and the cells in it. Opens no device.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "info_checkpoint.h"
#include "json_output.h"
#include "network_job.h"
#include "report.h"

static uint64_t element_count(const oclstm_tensor *tensor) {
    const size_t size = oclstm_dtype_size_bytes(tensor->dtype);
    return size ? tensor->size_bytes / size : 0;
}

static uint64_t cell_parameters(const oclstm_cell_entry *cell) {
    return element_count(cell->weight_ih) + element_count(cell->weight_hh) + (cell->bias_ih ? element_count(cell->bias_ih) : 0) +
           (cell->bias_hh ? element_count(cell->bias_hh) : 0);
}

static uint64_t total(const oclstm_tensors *file, uint64_t (*measure)(const oclstm_tensor *)) {
    uint64_t sum = 0;
    for (size_t i = 0; i < oclstm_tensors_count(file); i++)
        sum += measure(oclstm_tensors_at(file, i));
    return sum;
}

static uint64_t tensor_bytes(const oclstm_tensor *tensor) { return tensor->size_bytes; }

static const char *cell_kind(const oclstm_cell_entry *cell) {
    if (cell->layer < 0)
        return "cell";
    return cell->reverse ? "layer, backward" : "layer";
}

static void print_tensors(const oclstm_tensors *file) {
    int width = 6;
    for (size_t i = 0; i < oclstm_tensors_count(file); i++) {
        const size_t length = strlen(oclstm_tensors_at(file, i)->name);
        width = length > (size_t)width ? (int)(length < 60 ? length : 60) : width;
    }
    printf("\n  %-*s  %-8s  %12s  shape\n", width, "tensor", "dtype", "bytes");
    for (size_t i = 0; i < oclstm_tensors_count(file); i++) {
        const oclstm_tensor *tensor = oclstm_tensors_at(file, i);
        printf("  ");
        print_text(stdout, tensor->name);
        printf("%*s  %-8s  %12" PRIu64 "  ", width - (int)strnlen(tensor->name, (size_t)width), "",
               oclstm_dtype_name(tensor->dtype), tensor->size_bytes);
        for (int axis = 0; axis < tensor->rank; axis++)
            printf("[%" PRId64 "]", tensor->shape[axis]);
        printf("%s%s%s\n", tensor->rank ? "" : "scalar", tensor->fortran_order ? ", Fortran order" : "",
               tensor->swapped ? ", other byte order" : "");
    }
}

static void print_cells(const oclstm_cell_entry *cells, size_t count) {
    if (count == 0)
        return;
    printf("\n  %-24s  %-15s  %7s  %7s  %-4s  %-8s  %12s\n", "cell", "", "input", "hidden", "bias", "dtype", "parameters");
    for (size_t i = 0; i < count; i++) {
        const oclstm_cell_entry *cell = &cells[i];
        char name[sizeof cell->name + 2];
        snprintf(name, sizeof name, "%s", cell->name[0] ? cell->name : "\"\"");
        printf("  ");
        print_text(stdout, name);
        printf("%*s  %-15s  %7" PRId64 "  %7" PRId64 "  %-4s  %-8s  %12" PRIu64, 24 - (int)strnlen(name, 24), "", cell_kind(cell),
               cell->input_size, cell->hidden_size, cell->bias ? "yes" : "no", oclstm_dtype_name(cell->dtype),
               cell_parameters(cell));
        if (cell->proj_size)
            printf("  projection %" PRId64, cell->proj_size);
        putchar('\n');
    }
}

// Bytes that a cell's weights take on a device: both matrices in the precision, the sum of the biases in what it computes with.
static uint64_t weights_bytes(const oclstm_cell_entry *cell, oclstm_dtype precision) {
    const uint64_t gates = 4 * (uint64_t)cell->hidden_size,
                   matrices = element_count(cell->weight_ih) + element_count(cell->weight_hh);
    return matrices * oclstm_dtype_size_bytes(precision) + gates * (precision == OCLSTM_F64 ? 8 : 4);
}

static const struct {
    oclstm_dtype dtype;
    const char *name;
} precisions[] = {{OCLSTM_F32, "f32"}, {OCLSTM_F64, "f64"}, {OCLSTM_F16, "f16"}, {OCLSTM_BF16, "bf16"}};
enum { PRECISIONS = sizeof precisions / sizeof precisions[0] };

static void print_memory(const oclstm_cell_entry *cells, size_t count) {
    if (count == 0)
        return;
    printf("\n  %-24s  bytes of weights on a device with --precision; once more where an engine packs them\n  %-24s", "cell", "");
    for (int i = 0; i < PRECISIONS; i++)
        printf("  %12s", precisions[i].name);
    putchar('\n');
    for (size_t at = 0; at < count; at++) {
        char name[sizeof cells->name + 2];
        snprintf(name, sizeof name, "%s", cells[at].name[0] ? cells[at].name : "\"\"");
        printf("  ");
        print_text(stdout, name);
        printf("%*s", 24 - (int)strnlen(name, 24), "");
        for (int i = 0; i < PRECISIONS; i++)
            printf("  %12" PRIu64, weights_bytes(&cells[at], precisions[i].dtype));
        putchar('\n');
    }
}

// A value, cut where it is long: curves and vocabularies are whole with --json.
static void print_value(const char *value) {
    enum { SHOWN = 160 };
    char text[SHOWN + 1];
    const size_t length = strlen(value);
    size_t cut = length < SHOWN ? length : SHOWN;
    while (cut < length && cut > 0 && ((unsigned char)value[cut] & 0xc0) == 0x80) // no part of a character
        cut--;
    snprintf(text, sizeof text, "%.*s", (int)cut, value);
    for (char *at = text; (at = strchr(at, '\n')) != NULL;)
        *at = ' ';
    print_text(stdout, text);
    if (cut < length)
        printf("... (%zu bytes)", length);
}

static void print_metadata(const oclstm_tensors *file) {
    const char *key = oclstm_tensors_metadata_next(file, NULL);
    if (key)
        putchar('\n');
    for (; key; key = oclstm_tensors_metadata_next(file, key)) {
        if (is_checkpoint_key(key))
            continue;
        printf("  metadata  ");
        print_text(stdout, key);
        printf(": ");
        print_value(oclstm_tensors_metadata(file, key));
        putchar('\n');
    }
}

// The network that the file describes, or why it has to be told.
static void print_layers(const oclstm_tensors *file, size_t cell_count) {
    oclstm_layer *layers = NULL;
    size_t count;
    oclstm_error error;
    char text[1024];
    if (cell_count == 0)
        return;
    if (oclstm_network_find(&layers, &count, file, NULL, &error) == OCLSTM_OK)
        network_text(text, sizeof text, layers, count);
    else
        snprintf(text, sizeof text, "%s", error.message);
    printf("\n  layers  ");
    print_text(stdout, text);
    putchar('\n');
    oclstm_network_layers_free(&layers);
}

static json_t *layers_to_json(const oclstm_tensors *file) {
    oclstm_layer *layers = NULL;
    size_t count;
    if (oclstm_network_find(&layers, &count, file, NULL, NULL) != OCLSTM_OK)
        return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const oclstm_layer *layer = &layers[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:i, s:i, s:b, s:b, s:b, s:I}", "kind",
                                        oclstm_layer_kind_name(layer->kind), "name", json_text(layer->name), "inputs",
                                        (json_int_t)layer->inputs, "outputs", (json_int_t)layer->outputs, "hidden_size",
                                        (json_int_t)layer->hidden_size, "proj_size", (json_int_t)layer->proj_size, "num_layers",
                                        layer->num_layers, "directions", layer->directions, "reverse", layer->reverse, "bias",
                                        layer->bias, "general", layer->general, "parameters", (json_int_t)layer->parameters));
    }
    oclstm_network_layers_free(&layers);
    return list;
}

static void print_info(const oclstm_tensors *file, const oclstm_cell_entry *cells, size_t cell_count) {
    print_text(stdout, oclstm_tensors_path(file));
    printf(": %s, %zu tensor%s, %" PRIu64 " values in %" PRIu64 " bytes\n", oclstm_tensors_format(file), oclstm_tensors_count(file),
           oclstm_tensors_count(file) == 1 ? "" : "s", total(file, element_count), total(file, tensor_bytes));
    print_checkpoint(file);
    print_metadata(file);
    print_tensors(file);
    print_cells(cells, cell_count);
    print_memory(cells, cell_count);
    print_layers(file, cell_count);
}

static json_t *tensor_to_json(const oclstm_tensor *tensor) {
    return json_pack("{s:o, s:s, s:o, s:I, s:b, s:b}", "name", json_text(tensor->name), "dtype", oclstm_dtype_name(tensor->dtype),
                     "shape", json_shape(tensor->shape, tensor->rank), "bytes", (json_int_t)tensor->size_bytes, "fortran_order",
                     tensor->fortran_order, "swapped", tensor->swapped);
}

static json_t *cell_to_json(const oclstm_cell_entry *cell) {
    json_t *memory = json_object();
    for (int i = 0; i < PRECISIONS; i++)
        json_object_set_new(memory, precisions[i].name, json_integer((json_int_t)weights_bytes(cell, precisions[i].dtype)));
    return json_pack("{s:o, s:i, s:b, s:I, s:I, s:I, s:b, s:s, s:I, s:o}", "name", json_text(cell->name), "layer", cell->layer,
                     "reverse", cell->reverse, "input_size", (json_int_t)cell->input_size, "hidden_size",
                     (json_int_t)cell->hidden_size, "proj_size", (json_int_t)cell->proj_size, "bias", cell->bias, "dtype",
                     oclstm_dtype_name(cell->dtype), "parameters", (json_int_t)cell_parameters(cell), "device_bytes", memory);
}

static int print_json(const oclstm_tensors *file, const oclstm_cell_entry *cells, size_t cell_count) {
    json_t *tensor_list = json_array(), *cell_list = json_array(), *metadata = json_object();
    const char *key = oclstm_tensors_metadata_next(file, NULL);
    for (; key; key = oclstm_tensors_metadata_next(file, key))
        json_object_set_new(metadata, key, json_text(oclstm_tensors_metadata(file, key)));
    for (size_t i = 0; i < oclstm_tensors_count(file); i++)
        json_array_append_new(tensor_list, tensor_to_json(oclstm_tensors_at(file, i)));
    for (size_t i = 0; i < cell_count; i++)
        json_array_append_new(cell_list, cell_to_json(&cells[i]));
    return json_print(json_pack("{s:o, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "path", json_text(oclstm_tensors_path(file)),
                                "format", oclstm_tensors_format(file), "values", (json_int_t)total(file, element_count), "bytes",
                                (json_int_t)total(file, tensor_bytes), "metadata", metadata, "tensors", tensor_list, "cells",
                                cell_list, "layers", layers_to_json(file), "checkpoint", checkpoint_to_json(file)));
}

int cmd_info(const cli_options *options) {
    oclstm_error error;
    oclstm_tensors *file = NULL;
    const oclstm_status status = oclstm_tensors_open(&file, options->operands[0], &error);
    if (status != OCLSTM_OK) {
        report_error(&error);
        return exit_code_of(status);
    }
    const size_t cell_count = oclstm_tensors_cells(file, NULL, 0);
    oclstm_cell_entry *cells = calloc(cell_count ? cell_count : 1, sizeof *cells);
    int code = EXIT_FAILED;
    if (!cells) {
        report("no memory for a list of %zu cells", cell_count);
    } else {
        oclstm_tensors_cells(file, cells, cell_count);
        code = options->json ? print_json(file, cells, cell_count) : EXIT_DONE;
        if (!options->json)
            print_info(file, cells, cell_count);
    }
    free(cells);
    oclstm_tensors_close(&file);
    return code;
}
