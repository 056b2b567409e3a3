// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reader of tuned settings: what is accepted is within its bounds, and is accepted again when it is written. Built by hand, with clang:
//   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_POSIX_C_SOURCE=200809L -Iinclude -Isrc \
//       tests/fuzz/fuzz_tuned.c src/device/tuned_*.c src/base/*.c -o fuzz_tuned && ./fuzz_tuned -max_len=8192 CORPUS
#include <stdlib.h>
#include <string.h>

#include "device/tuned.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void need(bool holds) {
    if (!holds)
        abort();
}

static bool is_name(const char *name) { return memchr(name, '\0', TUNED_NAME) != NULL && name[0] != '\0'; }

static void check_bounds(const tuned_settings *settings) {
    need(settings->clblast_count <= TUNED_CLBLAST && settings->shape_count <= TUNED_SHAPES && settings->tried <= INT32_MAX);
    for (size_t i = 0; i < settings->clblast_count; i++) {
        const tuned_clblast *kernel = &settings->clblast[i];
        need(is_name(kernel->kernel) && kernel->count >= 1 && kernel->count <= TUNED_PARAMETERS);
        for (size_t p = 0; p < kernel->count; p++)
            need(is_name(kernel->names[p]) && kernel->values[p] <= INT32_MAX);
    }
    for (int i = 0; i < 2; i++)
        need(settings->fused[i].width <= 16 && settings->fused[i].tile <= 8);
    for (size_t i = 0; i < settings->shape_count; i++) {
        const tuned_shape *shape = &settings->shapes[i];
        need(is_name(shape->engine) && shape->batch >= 1 && shape->input >= 1 && shape->hidden >= 1 && shape->groups >= 1 &&
             shape->groups <= 4096 && shape->chunk <= 4096);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static tuned_settings settings, again;
    static char text[TUNED_FILE_BYTES];
    const device_limits limits = {.name = "d", .platform_name = "p", .driver_version = "1"};
    char why[64];
    char *copy = malloc(size + 1); // no larger than it is, so that a byte too far is seen
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    copy[size] = '\0';
    const bool any = tuned_parse(&settings, copy, NULL, why, sizeof why);
    need(any || why[0] != '\0');
    if (any) {
        check_bounds(&settings);
        need(tuned_format(&settings, &limits, text, sizeof text));
        need(tuned_parse(&again, text, &limits, why, sizeof why));
        need(again.clblast_count == settings.clblast_count && again.shape_count == settings.shape_count);
    }
    need(any || !tuned_parse(&settings, copy, &limits, why, sizeof why));
    free(copy);
    return 0;
}
