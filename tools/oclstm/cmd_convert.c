// SPDX-License-Identifier: Apache-2.0
// `oclstm convert`: every tensor of a file that is read, and its metadata, into one that is written.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "report.h"

typedef struct conversion {
    oclstm_tensors *file;
    oclstm_named_array *arrays;
    void **blocks; // owned: tensors that do not lie as they are to be written
    size_t count;
    oclstm_metadata *metadata;
    size_t metadata_count;
} conversion;

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

static int no_memory(void) {
    report("convert: out of memory");
    return EXIT_FAILED;
}

// By the name's ending, so that a mistyped one is found before anything is read.
static int format_of(const char *path, oclstm_file_format *out) {
    const char *end = strrchr(path, '.');
    if (end != NULL && strcmp(end, ".safetensors") == 0) {
        *out = OCLSTM_SAFETENSORS;
    } else if (end != NULL && strcmp(end, ".npz") == 0) {
        *out = OCLSTM_NPZ;
    } else {
        report("convert: '%s' ends in no format that is written; expected NAME.safetensors or NAME.npz", path);
        return EXIT_MISUSE;
    }
    return EXIT_DONE;
}

static bool is_float(oclstm_dtype dtype) {
    return dtype == OCLSTM_F32 || dtype == OCLSTM_F64 || dtype == OCLSTM_F16 || dtype == OCLSTM_BF16;
}

// C order and native byte order, in memory of its own where the file has it otherwise.
static int add_tensor(conversion *work, const oclstm_tensor *tensor) {
    oclstm_named_array *named = &work->arrays[work->count];
    oclstm_const_array *array = &named->array;
    oclstm_error error;
    named->name = tensor->name[0] != '\0' ? tensor->name : "array"; // an .npy file's has no name
    *array = (oclstm_const_array){.data = tensor->data, .dtype = tensor->dtype, .rank = tensor->rank};
    memcpy(array->shape, tensor->shape, sizeof array->shape);
    if (tensor->swapped || tensor->fortran_order) {
        if (!is_float(tensor->dtype)) {
            report("convert: '%s' is %s in the other byte order or in Fortran order, which is read for floating-point types only",
                   oclstm_tensors_path(work->file), oclstm_dtype_name(tensor->dtype));
            return EXIT_FAILED;
        }
        // float16 and bfloat16 are widened: float32 holds them exactly.
        array->dtype = tensor->dtype == OCLSTM_F64 ? OCLSTM_F64 : OCLSTM_F32;
        const size_t elements = (size_t)tensor->size_bytes / oclstm_dtype_size_bytes(tensor->dtype);
        void *block = calloc(elements > 0 ? elements : 1, oclstm_dtype_size_bytes(array->dtype));
        if (block == NULL)
            return no_memory();
        work->blocks[work->count] = block;
        array->data = block;
        if (oclstm_tensor_read(work->file, tensor, 0, 0, tensor->rank > 0 ? tensor->shape[0] : 1, array->dtype, block, false,
                               &error) != OCLSTM_OK)
            return fail(&error);
    }
    work->count++;
    return EXIT_DONE;
}

static int collect(conversion *work, const char *layers) {
    const size_t count = oclstm_tensors_count(work->file);
    size_t entries = layers != NULL ? 1 : 0;
    for (const char *key = NULL; (key = oclstm_tensors_metadata_next(work->file, key)) != NULL;)
        entries++;
    work->arrays = calloc(count + 1, sizeof *work->arrays);
    work->blocks = calloc(count + 1, sizeof *work->blocks);
    work->metadata = calloc(entries + 1, sizeof *work->metadata);
    if (work->arrays == NULL || work->blocks == NULL || work->metadata == NULL)
        return no_memory();
    if (layers != NULL)
        work->metadata[work->metadata_count++] = (oclstm_metadata){"oclstm.layers", layers};
    for (const char *key = NULL; (key = oclstm_tensors_metadata_next(work->file, key)) != NULL;) {
        if (layers == NULL || strcmp(key, "oclstm.layers") != 0)
            work->metadata[work->metadata_count++] = (oclstm_metadata){key, oclstm_tensors_metadata(work->file, key)};
    }
    int code = EXIT_DONE;
    for (size_t i = 0; i < count && code == EXIT_DONE; i++)
        code = add_tensor(work, oclstm_tensors_at(work->file, i));
    return code;
}

// A list of layers is kept only if it is one for this file.
static int check_layers(const conversion *work, const char *layers) {
    oclstm_error error;
    oclstm_layer *found = NULL;
    size_t count;
    if (layers == NULL)
        return EXIT_DONE;
    const oclstm_network_params params = {.layers = layers};
    if (oclstm_network_find(&found, &count, work->file, &params, &error) != OCLSTM_OK)
        return fail(&error);
    oclstm_network_layers_free(&found);
    return EXIT_DONE;
}

int cmd_convert(const cli_options *options) {
    const char *from = options->operands[0], *to = options->operands[1];
    conversion work = {0};
    oclstm_file_format format;
    oclstm_error error;
    int code = format_of(to, &format);
    if (code == EXIT_DONE && oclstm_tensors_open(&work.file, from, &error) != OCLSTM_OK)
        code = fail(&error);
    if (code == EXIT_DONE)
        code = check_layers(&work, options->layers);
    if (code == EXIT_DONE)
        code = collect(&work, options->layers);
    if (code == EXIT_DONE &&
        oclstm_tensors_write(to, format, work.arrays, work.count, work.metadata, work.metadata_count, &error) != OCLSTM_OK)
        code = fail(&error);
    if (code == EXIT_DONE && !options->quiet)
        report("%s (%s): %zu tensor%s to %s%s", from, oclstm_tensors_format(work.file), work.count, work.count == 1 ? "" : "s", to,
               format == OCLSTM_NPZ && work.metadata_count > 0 ? "; an .npz file has no place for the metadata" : "");
    for (size_t i = 0; work.blocks != NULL && i < work.count + 1 && i < oclstm_tensors_count(work.file); i++)
        free(work.blocks[i]);
    free(work.blocks);
    free(work.arrays);
    free(work.metadata);
    oclstm_tensors_close(&work.file);
    return code;
}
