// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "imitate.h"

static const char *const names[COUNT_KINDS] = {
    [COUNT_CONTEXTS] = "contexts",
    [COUNT_BUFFERS] = "buffers",
    [COUNT_SOURCES] = "programs_from_source",
    [COUNT_BINARIES] = "programs_from_binary",
    [COUNT_IL] = "programs_from_il",
    [COUNT_BUILDS] = "builds",
    [COUNT_LAUNCHES] = "launches",
    [COUNT_NULL_LOCAL] = "launches_without_local_size",
    [COUNT_REFUSED] = "refused",
    [COUNT_LATE_CALLS] = "calls_of_later_versions",
    [COUNT_LATE_QUERIES] = "queries_of_later_versions",
    [COUNT_LARGEST_BUFFER] = "largest_buffer_bytes",
    [COUNT_LARGEST_GROUP] = "largest_group",
};
static atomic_size_t counts[COUNT_KINDS];
static const char *path;

static void write_log(void) {
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return; // the test misses it
    for (int what = 0; what < COUNT_KINDS; what++)
        fprintf(file, "%s %zu\n", names[what], atomic_load(&counts[what]));
    fclose(file);
}

void imitate_open_log(void) {
    path = getenv("OCLSTM_IMITATE_LOG");
    if (path && atexit(write_log) != 0)
        imitate_stop("the log cannot be written: ", path);
}

void imitate_count(count_of what) { atomic_fetch_add(&counts[what], 1); }

void imitate_largest(count_of what, size_t value) {
    size_t known = atomic_load(&counts[what]);
    while (value > known && !atomic_compare_exchange_weak(&counts[what], &known, value)) {
    }
}

cl_int imitate_refuse(cl_int code) {
    imitate_count(COUNT_REFUSED);
    return code;
}
