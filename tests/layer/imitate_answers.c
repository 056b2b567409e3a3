// SPDX-License-Identifier: Apache-2.0
// What a device says of itself.
#include <stdlib.h>
#include <string.h>

#include "imitate.h"

typedef struct answer_place {
    size_t capacity;
    void *dst;
    size_t *needed;
} answer_place;

static cl_int say(const answer_place *to, const void *value, size_t value_bytes) {
    return layer_answer(value, value_bytes, to->capacity, to->dst, to->needed);
}

static cl_int say_text(const answer_place *to, const char *text) { return say(to, text, strlen(text) + 1); }

static cl_int say_bool(const answer_place *to, int64_t value) {
    const cl_bool answer = value != 0;
    return say(to, &answer, sizeof answer);
}

static cl_int say_uint(const answer_place *to, int64_t value) {
    const cl_uint answer = (cl_uint)value;
    return say(to, &answer, sizeof answer);
}

static cl_int say_ulong(const answer_place *to, int64_t value) {
    const cl_ulong answer = (cl_ulong)value;
    return say(to, &answer, sizeof answer);
}

// --- what is below, changed -------------------------------------------------------------------------------------------

static bool is_embedded(const disguise *as) { return as->profile && strcmp(as->profile, "embedded") == 0; }

static bool is_taken_away(const disguise *as, const char *extension) {
    return (as->fp64 == 0 && (strcmp(extension, "cl_khr_fp64") == 0 || strcmp(extension, "__opencl_c_fp64") == 0)) ||
           (as->fp16 == 0 && strcmp(extension, "cl_khr_fp16") == 0) ||
           (is_embedded(as) && (strcmp(extension, "cles_khr_int64") == 0 || strncmp(extension, "cl_khr_int64", 12) == 0));
}

static void *read_below(cl_device_id id, cl_device_info parameter, size_t *bytes, cl_int *code) {
    *code = layer_below->clGetDeviceInfo(id, parameter, 0, NULL, bytes);
    void *value = *code == CL_SUCCESS ? calloc(1, *bytes + 1) : NULL;
    if (value)
        *code = layer_below->clGetDeviceInfo(id, parameter, *bytes, value, NULL);
    else if (*code == CL_SUCCESS)
        *code = CL_OUT_OF_HOST_MEMORY;
    return value;
}

static cl_int say_extensions(const disguise *as, cl_device_id id, const answer_place *to) {
    size_t bytes;
    cl_int code;
    char *words = read_below(id, CL_DEVICE_EXTENSIONS, &bytes, &code), *left = words ? calloc(1, bytes + 32) : NULL, *rest = NULL;
    for (char *word = left ? strtok_r(words, " ", &rest) : NULL; word; word = strtok_r(NULL, " ", &rest)) {
        if (is_taken_away(as, word))
            continue;
        if (left[0])
            strcat(left, " ");
        strcat(left, word);
    }
    // Before 3.0 an embedded device says so when it has 64-bit integers; where the profile is full they go without saying.
    if (left && is_embedded(as) && as->int64 == 1)
        strcat(left, " cles_khr_int64");
    if (code == CL_SUCCESS)
        code = left ? say_text(to, left) : CL_OUT_OF_HOST_MEMORY;
    free(left);
    free(words);
    return code;
}

// Lists of names with their versions, of OpenCL 3.
static cl_int say_named_versions(const disguise *as, cl_device_id id, cl_device_info parameter, const answer_place *to) {
    size_t bytes, kept = 0;
    cl_int code;
    cl_name_version *list = read_below(id, parameter, &bytes, &code);
    for (size_t at = 0; list && at < bytes / sizeof *list; at++) {
        if (!is_taken_away(as, list[at].name))
            list[kept++] = list[at];
    }
    if (code == CL_SUCCESS)
        code = say(to, list, kept * sizeof *list);
    free(list);
    return code;
}

static cl_int say_item_sizes(const disguise *as, cl_device_id id, const answer_place *to) {
    size_t bytes;
    cl_int code;
    size_t *sizes = read_below(id, CL_DEVICE_MAX_WORK_ITEM_SIZES, &bytes, &code);
    const int64_t items[] = {as->items_x, as->items_y, as->items_z};
    for (size_t at = 0; sizes && at < bytes / sizeof *sizes && at < 3; at++) {
        if (as->max_group != UNSET && sizes[at] > (size_t)as->max_group)
            sizes[at] = (size_t)as->max_group;
        if (items[at] != UNSET && sizes[at] > (size_t)items[at])
            sizes[at] = (size_t)items[at];
    }
    if (code == CL_SUCCESS)
        code = say(to, sizes, bytes);
    free(sizes);
    return code;
}

static cl_int say_version(const disguise *as, const answer_place *to, bool of_language) {
    static const char *const texts[2][3] = {{"OpenCL 1.0 imitated", "OpenCL 1.1 imitated", "OpenCL 1.2 imitated"},
                                            {"OpenCL C 1.0 imitated", "OpenCL C 1.1 imitated", "OpenCL C 1.2 imitated"}};
    return say_text(to, texts[of_language][as->version - 100]);
}

// --- the query --------------------------------------------------------------------------------------------------------

static bool is_failing(const disguise *as, cl_device_info parameter) {
    for (int at = 0; at < as->failing_count; at++) {
        if (as->failing[at] == parameter)
            return true;
    }
    return false;
}

// 1.2 added 0x103D to 0x1048 and 0x1031's neighbours; all that is higher is of 2.0 or later. 0x1032 (doubles) and 0x1033 (halves) belong to
// extensions of 1.0.
static bool is_later(const disguise *as, cl_device_info parameter) {
    return as->version != UNSET && as->version < 102 && parameter >= 0x103E && parameter < 0x1100;
}

static bool says_double_vector(cl_device_info parameter) {
    return parameter == CL_DEVICE_PREFERRED_VECTOR_WIDTH_DOUBLE || parameter == CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE;
}

static bool says_half_vector(cl_device_info parameter) {
    return parameter == CL_DEVICE_PREFERRED_VECTOR_WIDTH_HALF || parameter == CL_DEVICE_NATIVE_VECTOR_WIDTH_HALF;
}

// Numbers of one key each. False when the key was not given.
static bool answer_number(const disguise *as, cl_device_info parameter, const answer_place *to, cl_int *code) {
    enum width { BOOL, UINT, ULONG };
    const struct {
        cl_device_info parameter;
        enum width width;
        int64_t value;
    } rows[] = {
        {CL_DEVICE_TYPE, ULONG, as->type},
        {CL_DEVICE_AVAILABLE, BOOL, as->available},
        {CL_DEVICE_COMPILER_AVAILABLE, BOOL, as->compiler},
        {CL_DEVICE_LINKER_AVAILABLE, BOOL, as->compiler},
        {CL_DEVICE_ENDIAN_LITTLE, BOOL, as->little_endian},
        {CL_DEVICE_MAX_COMPUTE_UNITS, UINT, as->units},
        {CL_DEVICE_MAX_CLOCK_FREQUENCY, UINT, as->clock},
        {CL_DEVICE_ADDRESS_BITS, UINT, as->address_bits},
        {CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, UINT, as->float_vector},
        {CL_DEVICE_MAX_WORK_GROUP_SIZE, ULONG, as->max_group}, // size_t, of 64 bits here
        {CL_DEVICE_LOCAL_MEM_SIZE, ULONG, as->local_memory},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, ULONG, as->max_allocation},
        {CL_DEVICE_EXECUTION_CAPABILITIES, ULONG,
         as->executes == UNSET ? UNSET
         : as->executes        ? CL_EXEC_KERNEL
                               : CL_EXEC_NATIVE_KERNEL},
        {CL_DEVICE_DOUBLE_FP_CONFIG, ULONG, as->fp64 == 0 ? 0 : UNSET},
        {CL_DEVICE_HALF_FP_CONFIG, ULONG, as->fp16 == 0 ? 0 : UNSET},
    };
    _Static_assert(sizeof(size_t) == sizeof(cl_ulong), "CL_DEVICE_MAX_WORK_GROUP_SIZE is answered as 64 bits");
    for (size_t at = 0; at < sizeof rows / sizeof rows[0]; at++) {
        if (rows[at].parameter != parameter || rows[at].value == UNSET)
            continue;
        *code = rows[at].width == BOOL   ? say_bool(to, rows[at].value)
                : rows[at].width == UINT ? say_uint(to, rows[at].value)
                                         : say_ulong(to, rows[at].value);
        return true;
    }
    return false;
}

static const char *text_for(const disguise *as, cl_device_info parameter) {
    switch (parameter) {
    case CL_DEVICE_NAME:
        return as->name;
    case CL_DEVICE_VENDOR:
        return as->vendor;
    case CL_DRIVER_VERSION:
        return as->driver;
    case CL_DEVICE_PROFILE:
        return is_embedded(as) ? "EMBEDDED_PROFILE" : as->profile ? "FULL_PROFILE" : NULL;
    default:
        return NULL;
    }
}

static cl_int CL_API_CALL get_device_info(cl_device_id id, cl_device_info parameter, size_t capacity, void *dst, size_t *needed) {
    const disguise *as = disguise_of_device(id);
    const answer_place to = {capacity, dst, needed};
    cl_int code;
    if (is_failing(as, parameter))
        return imitate_refuse(CL_OUT_OF_RESOURCES);
    if (is_later(as, parameter)) {
        imitate_count(COUNT_LATE_QUERIES);
        return imitate_refuse(CL_INVALID_VALUE);
    }
    if (answer_number(as, parameter, &to, &code))
        return code;
    if (text_for(as, parameter))
        return say_text(&to, text_for(as, parameter));
    if ((says_double_vector(parameter) && as->fp64 == 0) || (says_half_vector(parameter) && as->fp16 == 0))
        return say_uint(&to, 0);
    switch (parameter) {
    case CL_DEVICE_EXTENSIONS:
        return say_extensions(as, id, &to);
    case CL_DEVICE_EXTENSIONS_WITH_VERSION:
    case CL_DEVICE_OPENCL_C_FEATURES:
        return say_named_versions(as, id, parameter, &to);
    case CL_DEVICE_MAX_WORK_ITEM_SIZES:
        return say_item_sizes(as, id, &to);
    case CL_DEVICE_VERSION:
    case CL_DEVICE_OPENCL_C_VERSION:
        if (as->version != UNSET)
            return say_version(as, &to, parameter == CL_DEVICE_OPENCL_C_VERSION);
        break;
    default:
        break;
    }
    return layer_below->clGetDeviceInfo(id, parameter, capacity, dst, needed);
}

void imitate_answers_install(struct _cl_icd_dispatch *table) { table->clGetDeviceInfo = get_device_info; }
