// SPDX-License-Identifier: Apache-2.0
// Programs: what a device's compiler refuses. What it lacks is taken away inside the source, so that the compiler below finds the mistake.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "imitate.h"

// In front of every source. A macro replaces the word wherever the preprocessor leaves it.
static const char without_double[] = "#undef cl_khr_fp64\n"
                                     "#undef __opencl_c_fp64\n"
                                     "#define double this_device_has_no_double\n";
static const char without_half[] = "#undef cl_khr_fp16\n";
static const char without_long[] = "#define long this_device_has_no_64_bit_integer\n"
                                   "#define ulong this_device_has_no_64_bit_integer\n";
static const char without_more_than_the_core[] = "#define barrier this_device_has_no_barrier\n"
                                                 "#define __local this_device_has_no_local_memory\n"
                                                 "#define local this_device_has_no_local_memory\n"
                                                 "#define double this_device_has_no_double\n"
                                                 "#define image2d_t this_device_has_no_image\n"
                                                 "#define atomic_xchg this_device_has_no_atomic\n"
                                                 "#define atomic_add this_device_has_no_atomic\n"
                                                 "#define atomic_inc this_device_has_no_atomic\n"
                                                 "#define atomic_cmpxchg this_device_has_no_atomic\n";

// --- which programs came from binaries --------------------------------------------------------------------------------

enum { MAX_BINARIES = 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cl_program binaries[MAX_BINARIES];

// A handle may come again for another program, so every new program is noted.
static void note_program(cl_program program, bool from_binary) {
    size_t empty = MAX_BINARIES;
    bool known = false;
    pthread_mutex_lock(&lock);
    for (size_t at = 0; at < MAX_BINARIES; at++) {
        if (binaries[at] == program && !from_binary)
            binaries[at] = NULL;
        known = known || binaries[at] == program;
        if (binaries[at] == NULL && empty == MAX_BINARIES)
            empty = at;
    }
    if (from_binary && !known && empty == MAX_BINARIES)
        imitate_stop("too many programs from binaries", "");
    if (from_binary && !known)
        binaries[empty] = program;
    pthread_mutex_unlock(&lock);
}

static bool is_from_binary(cl_program program) {
    bool found = false;
    pthread_mutex_lock(&lock);
    for (size_t at = 0; at < MAX_BINARIES && !found; at++)
        found = binaries[at] == program;
    pthread_mutex_unlock(&lock);
    return found;
}

// --- making -----------------------------------------------------------------------------------------------------------

static cl_program CL_API_CALL create_with_source(cl_context context, cl_uint count, const char **strings, const size_t *lengths,
                                                 cl_int *code) {
    enum { MORE = 5 };
    const disguise *as = disguise_of_context(context);
    imitate_count(COUNT_SOURCES);
    if (count == 0 || strings == NULL)
        return layer_below->clCreateProgramWithSource(context, count, strings, lengths, code);
    const char **texts = calloc((size_t)count + MORE, sizeof *texts);
    size_t *text_lengths = calloc((size_t)count + MORE, sizeof *text_lengths);
    cl_program program = NULL;
    cl_uint used = 0;
    if (texts == NULL || text_lengths == NULL) {
        if (code)
            *code = CL_OUT_OF_HOST_MEMORY;
        goto done;
    }
    if (as->fp64 == 0)
        texts[used++] = without_double;
    if (as->fp16 == 0)
        texts[used++] = without_half;
    if (as->bare == 1 || (as->profile && strcmp(as->profile, "embedded") == 0 && as->int64 != 1))
        texts[used++] = without_long;
    if (as->bare == 1)
        texts[used++] = without_more_than_the_core;
    if (used > 0)
        texts[used++] = "#line 1\n";
    for (cl_uint at = 0; at < count; at++) {
        text_lengths[used] = lengths ? lengths[at] : 0; // 0: it ends with a zero byte
        texts[used++] = strings[at];
    }
    program = layer_below->clCreateProgramWithSource(context, used, texts, text_lengths, code);
    note_program(program, false);
done:
    free(texts);
    free(text_lengths);
    return program;
}

static cl_program CL_API_CALL create_with_binary(cl_context context, cl_uint count, const cl_device_id *ids, const size_t *lengths,
                                                 const unsigned char **texts, cl_int *statuses, cl_int *code) {
    imitate_count(COUNT_BINARIES);
    cl_program program = layer_below->clCreateProgramWithBinary(context, count, ids, lengths, texts, statuses, code);
    if (program)
        note_program(program, true);
    return program;
}

static cl_program CL_API_CALL create_with_il(cl_context context, const void *il, size_t length, cl_int *code) {
    imitate_count(COUNT_IL);
    const int64_t version = disguise_of_context(context)->version;
    if (version != UNSET && version < 201) {
        imitate_count(COUNT_LATE_CALLS);
        if (code)
            *code = imitate_refuse(CL_INVALID_OPERATION);
        return NULL;
    }
    cl_program program = layer_below->clCreateProgramWithIL(context, il, length, code);
    if (program)
        note_program(program, false);
    return program;
}

// --- building ---------------------------------------------------------------------------------------------------------

// A compiler before 1.2 knows no later language.
static bool asks_for_later_language(const disguise *as, const char *options) {
    const char *version = options ? strstr(options, "-cl-std=CL") : NULL;
    return version && as->version != UNSET && as->version < 102 && strncmp(version, "-cl-std=CL1.1", 13) != 0;
}

static cl_int check_build(cl_program program, const char *options) {
    const disguise *as = disguise_of_program(program);
    imitate_count(COUNT_BUILDS);
    if (as->compiler == 0 && !is_from_binary(program))
        return imitate_refuse(CL_COMPILER_NOT_AVAILABLE);
    if (asks_for_later_language(as, options))
        return imitate_refuse(CL_INVALID_BUILD_OPTIONS);
    return CL_SUCCESS;
}

static cl_int CL_API_CALL build_program(cl_program program, cl_uint count, const cl_device_id *ids, const char *options,
                                        void(CL_CALLBACK *notify)(cl_program, void *), void *user) {
    const cl_int code = check_build(program, options);
    return code == CL_SUCCESS ? layer_below->clBuildProgram(program, count, ids, options, notify, user) : code;
}

static cl_int CL_API_CALL compile_program(cl_program program, cl_uint count, const cl_device_id *ids, const char *options,
                                          cl_uint header_count, const cl_program *headers, const char **names,
                                          void(CL_CALLBACK *notify)(cl_program, void *), void *user) {
    const cl_int code = check_build(program, options);
    return code == CL_SUCCESS
               ? layer_below->clCompileProgram(program, count, ids, options, header_count, headers, names, notify, user)
               : code;
}

void imitate_programs_install(struct _cl_icd_dispatch *table) {
    table->clCreateProgramWithSource = create_with_source;
    table->clCreateProgramWithBinary = create_with_binary;
    table->clCreateProgramWithIL = create_with_il;
    table->clBuildProgram = build_program;
    table->clCompileProgram = compile_program;
}
