// SPDX-License-Identifier: Apache-2.0
#include "faults.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <clblast_c.h>
#include <jansson.h>

#include "../faults/fault_layer.h"

static int countdown; // 0: not armed
static const char *failed_name;

// Counts a call; true when it is the one that has to fail.
static bool fails(const char *name) {
    if (countdown == 0 || --countdown > 0)
        return false;
    failed_name = name;
    return true;
}

// --- host memory ------------------------------------------------------------------------------------------------------

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) { return fails("malloc") ? NULL : __real_malloc(size); }

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) { return fails("calloc") ? NULL : __real_calloc(count, size); }

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size) { return fails("realloc") ? NULL : __real_realloc(old, size); }

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text) { return fails("strdup") ? NULL : __real_strdup(text); }

char *__real_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length) { return fails("strndup") ? NULL : __real_strndup(text, length); }

// --- CLBlast: its codes below zero are OpenCL's ------------------------------------------------------------------------

#define WRAP_CLBLAST(name, params, args)                                                                                           \
    CLBlastStatusCode __real_##name params;                                                                                        \
    CLBlastStatusCode __wrap_##name params;                                                                                        \
    CLBlastStatusCode __wrap_##name params { return fails(#name) ? CLBlastOpenCLOutOfResources : __real_##name args; }

WRAP_CLBLAST(CLBlastSgemmWithTempBuffer,
             (CLBlastLayout layout, CLBlastTranspose a_transpose, CLBlastTranspose b_transpose, size_t m, size_t n, size_t k,
              float alpha, cl_mem a, size_t a_offset, size_t a_ld, cl_mem b, size_t b_offset, size_t b_ld, float beta, cl_mem c,
              size_t c_offset, size_t c_ld, cl_command_queue *queue, cl_event *event, cl_mem temporary),
             (layout, a_transpose, b_transpose, m, n, k, alpha, a, a_offset, a_ld, b, b_offset, b_ld, beta, c, c_offset, c_ld,
              queue, event, temporary))
WRAP_CLBLAST(CLBlastSGemmTempBufferSize,
             (CLBlastLayout layout, CLBlastTranspose a_transpose, CLBlastTranspose b_transpose, size_t m, size_t n, size_t k,
              size_t a_offset, size_t a_ld, size_t b_offset, size_t b_ld, size_t c_offset, size_t c_ld, cl_command_queue *queue,
              size_t *size),
             (layout, a_transpose, b_transpose, m, n, k, a_offset, a_ld, b_offset, b_ld, c_offset, c_ld, queue, size))
WRAP_CLBLAST(CLBlastSgemv,
             (CLBlastLayout layout, CLBlastTranspose a_transpose, size_t m, size_t n, float alpha, cl_mem a, size_t a_offset,
              size_t a_ld, cl_mem x, size_t x_offset, size_t x_inc, float beta, cl_mem y, size_t y_offset, size_t y_inc,
              cl_command_queue *queue, cl_event *event),
             (layout, a_transpose, m, n, alpha, a, a_offset, a_ld, x, x_offset, x_inc, beta, y, y_offset, y_inc, queue, event))

// --- control ----------------------------------------------------------------------------------------------------------

// Its lexer goes on where it has no room for a character; the text is then wrong or refused.
static const char jansson_name[] = "jansson's malloc";

static void *jansson_malloc(size_t size) { return fails(jansson_name) ? NULL : __real_malloc(size); }

void faults_arm(int n) {
    json_set_alloc_funcs(jansson_malloc, free);
    failed_name = NULL;
    countdown = n;
}

const char *faults_disarm(void) {
    countdown = 0;
    return failed_name;
}

bool faults_may_be_survived(const char *name) { return strcmp(name, jansson_name) == 0; }

int faults_live_objects(void) {
    const char *path = getenv("OPENCL_LAYERS");
    void *layer = path != NULL ? dlopen(path, RTLD_NOW | RTLD_NOLOAD) : NULL;
    const fault_control *control = layer != NULL ? dlsym(layer, "fault_layer_control") : NULL;
    return control != NULL ? control->live_objects() : 0;
}
