// SPDX-License-Identifier: Apache-2.0
#include "fuzz_body.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oclstm/network.h>
#include <oclstm/tensors.h>

static void need(bool holds) {
    if (!holds)
        abort();
}

// Every axis, whole and its last index, into a buffer that fits to the byte.
static void read_tensor(const oclstm_tensors *file, const oclstm_tensor *tensor) {
    const size_t bytes = (size_t)tensor->size_bytes / oclstm_dtype_size_bytes(tensor->dtype) * sizeof(double);
    void *dst = malloc(bytes > 0 ? bytes : 1);
    oclstm_error error;
    for (int axis = 0; dst != NULL && (axis == 0 || axis < tensor->rank); axis++) {
        const int64_t extent = tensor->rank == 0 ? 1 : tensor->shape[axis];
        oclstm_tensor_read(file, tensor, axis, 0, extent, OCLSTM_F64, dst, true, &error);
        oclstm_tensor_read(file, tensor, axis, extent - 1, 1, OCLSTM_F32, dst, false, &error);
    }
    volatile unsigned char sum = 0;
    for (uint64_t i = 0; i < tensor->size_bytes; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)tensor->data)[i]);
    free(dst);
}

// The layers: by themselves, and as the file's first tensors say.
static void find_layers(const oclstm_tensors *file) {
    static const char *const lists[] = {NULL, ".", "lstm", "embed,lstm,relu,head"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        oclstm_layer *layers = NULL;
        size_t count = 0;
        oclstm_error error = {.message = ""};
        const oclstm_network_params params = {.layers = lists[i]};
        const oclstm_status status = oclstm_network_find(&layers, &count, file, &params, &error);
        need(status == OCLSTM_OK ? count > 0 : error.message[0] != '\0');
        oclstm_network_layers_free(&layers);
    }
}

static void read_file(const char *path) {
    oclstm_tensors *file = NULL;
    oclstm_error error = {.message = ""};
    if (oclstm_tensors_open(&file, path, &error) != OCLSTM_OK) {
        need(file == NULL && error.message[0] != '\0');
        return;
    }
    oclstm_cell_entry entries[4];
    oclstm_tensors_cells(file, entries, 4);
    oclstm_tensors_find_cell(file, NULL, &entries[0], &error);
    oclstm_tensors_find_cell(file, "l0", &entries[0], &error);
    find_layers(file);
    for (const char *key = NULL; (key = oclstm_tensors_metadata_next(file, key)) != NULL;)
        need(oclstm_tensors_metadata(file, key) != NULL);
    for (size_t i = 0; i < oclstm_tensors_count(file); i++) {
        const oclstm_tensor *tensor = oclstm_tensors_at(file, i);
        need(oclstm_tensors_find(file, tensor->name) == tensor);
        read_tensor(file, tensor);
    }
    oclstm_tensors_close(&file);
}

// One file for all inputs, in memory where the system has such a folder.
static const char *write_input(const unsigned char *data, size_t size) {
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        snprintf(path, sizeof path, "%s/oclstm-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        fd = mkstemp(path);
        need(fd >= 0);
        unlink(path);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    need(pwrite(fd, data, size, 0) == (ssize_t)size && ftruncate(fd, (off_t)size) == 0);
    return path;
}

int fuzz_body(const unsigned char *data, size_t size, size_t at, const char *begin) {
    const size_t count = strlen(begin);
    if (size < at + count || memcmp(data + at, begin, count) != 0)
        return -1;
    read_file(write_input(data, size));
    return 0;
}
