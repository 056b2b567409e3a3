// SPDX-License-Identifier: Apache-2.0
// Fuzzes the file readers: whatever opens must be readable to its last byte. Built by hand, with clang:
//   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_POSIX_C_SOURCE=200809L -Iinclude -Isrc \
//       tests/fuzz/fuzz_tensors.c src/model/*.c src/base/*.c -ljansson -o fuzz_tensors && ./fuzz_tensors -max_len=4096 CORPUS
#define _GNU_SOURCE // memfd_create()

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <oclstm/tensors.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

// Every axis, whole and its last index, into a buffer that fits to the byte.
static void read_tensor(const oclstm_tensors *file, const oclstm_tensor *tensor) {
    size_t bytes = (size_t)tensor->size_bytes / oclstm_dtype_size_bytes(tensor->dtype) * sizeof(double);
    void *dst = malloc(bytes ? bytes : 1);
    oclstm_error error;
    for (int axis = 0; dst != NULL && (axis == 0 || axis < tensor->rank); axis++) {
        int64_t extent = tensor->rank == 0 ? 1 : tensor->shape[axis];
        oclstm_tensor_read(file, tensor, axis, 0, extent, OCLSTM_F64, dst, true, &error);
        oclstm_tensor_read(file, tensor, axis, extent - 1, 1, OCLSTM_F32, dst, false, &error);
    }
    volatile unsigned char sum = 0;
    for (uint64_t i = 0; i < tensor->size_bytes; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)tensor->data)[i]);
    free(dst);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    oclstm_tensors *file = NULL;
    oclstm_error error = {.message = ""};
    if (oclstm_tensors_open(&file, path, &error) == OCLSTM_OK) {
        oclstm_cell_entry entries[4];
        oclstm_tensors_cells(file, entries, 4);
        oclstm_tensors_find_cell(file, NULL, &entries[0], &error);
        oclstm_tensors_find_cell(file, "l0", &entries[0], &error);
        for (size_t i = 0; i < oclstm_tensors_count(file); i++) {
            const oclstm_tensor *tensor = oclstm_tensors_at(file, i);
            if (oclstm_tensors_find(file, tensor->name) != tensor)
                abort();
            read_tensor(file, tensor);
        }
    } else if (error.message[0] == '\0' || file != NULL) {
        abort();
    }
    oclstm_tensors_close(&file);
    close(fd);
    return 0;
}
