// SPDX-License-Identifier: Apache-2.0
#include "device/program_binary.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { MOST_KERNELS = 64, KERNEL_NAME_BYTES = 128 };

// --- kernels ----------------------------------------------------------------------------------------------------------

bool program_kernel_names(cl_program program, char *names, size_t capacity) {
    cl_kernel kernels[MOST_KERNELS];
    cl_uint count = 0;
    bool made = true;
    names[0] = '\0';
    if (clCreateKernelsInProgram(program, 0, NULL, &count) != CL_SUCCESS || count == 0 || count > MOST_KERNELS ||
        clCreateKernelsInProgram(program, count, kernels, NULL) != CL_SUCCESS)
        return false;
    for (cl_uint i = 0; i < count; i++) {
        char name[KERNEL_NAME_BYTES] = "";
        made = made && clGetKernelInfo(kernels[i], CL_KERNEL_FUNCTION_NAME, sizeof name - 1, name, NULL) == CL_SUCCESS;
        base_append(names, capacity, "%s%s", i > 0 ? ";" : "", name);
        clReleaseKernel(kernels[i]);
    }
    return made && strlen(names) + 1 < capacity;
}

static bool has_kernels(cl_program program, const kernel_span *names) {
    for (size_t at = 0; at < names->length;) {
        char name[KERNEL_NAME_BYTES] = "";
        size_t length = 0;
        while (at + length < names->length && names->bytes[at + length] != ';')
            length++;
        if (length == 0 || length >= sizeof name)
            return false;
        memcpy(name, names->bytes + at, length);
        cl_int code;
        cl_kernel kernel = clCreateKernel(program, name, &code);
        if (code != CL_SUCCESS || kernel == NULL)
            return false;
        clReleaseKernel(kernel);
        at += length + 1;
    }
    return names->length > 0;
}

// --- programs ---------------------------------------------------------------------------------------------------------

// Builds what was created and looks at its kernels; releases it and says why when that fails.
static cl_program finish(oclstm_device *device, cl_program program, const char *options, const kernel_span *names, char *why,
                         size_t capacity) {
    char found[2048];
    const cl_int code = clBuildProgram(program, 1, &device->id, options, NULL, NULL);
    if (code == CL_SUCCESS && (names != NULL ? has_kernels(program, names) : program_kernel_names(program, found, sizeof found)))
        return program;
    if (code != CL_SUCCESS)
        base_append(why, capacity, "clBuildProgram gives %s", device_opencl_name(code));
    else
        base_append(why, capacity, "its kernels cannot be made");
    clReleaseProgram(program);
    return NULL;
}

cl_program program_from_binary(oclstm_device *device, const kernel_span *binary, const char *options, const kernel_span *names,
                               char *why, size_t capacity) {
    cl_int code = CL_SUCCESS, status = CL_SUCCESS;
    why[0] = '\0';
    const unsigned char *bytes = binary->bytes;
    cl_program program = clCreateProgramWithBinary(device->context, 1, &device->id, &binary->length, &bytes, &status, &code);
    if (code != CL_SUCCESS || status != CL_SUCCESS) {
        base_append(why, capacity, "clCreateProgramWithBinary gives %s", device_opencl_name(code != CL_SUCCESS ? code : status));
        if (code == CL_SUCCESS)
            clReleaseProgram(program);
        return NULL;
    }
    return finish(device, program, options, names, why, capacity);
}

cl_program program_from_spirv(oclstm_device *device, const kernel_span *binary, const char *options, char *why, size_t capacity) {
    why[0] = '\0';
    const device_create_with_il create = device_find_create_with_il(device);
    if (create == NULL) {
        base_append(why, capacity, "the device lists no SPIR-V (CL_DEVICE_IL_VERSION, cl_khr_il_program)");
        return NULL;
    }
    cl_int code = CL_SUCCESS;
    cl_program program = create(device->context, binary->bytes, binary->length, &code);
    if (code != CL_SUCCESS) {
        base_append(why, capacity, "clCreateProgramWithIL gives %s", device_opencl_name(code));
        return NULL;
    }
    return finish(device, program, options, NULL, why, capacity);
}

// --- back -------------------------------------------------------------------------------------------------------------

// A context of the caller's may have several devices, and a program then a binary for each.
enum { MOST_DEVICES = 64 };

unsigned char *program_get_binary(const oclstm_device *device, cl_program program, size_t *length) {
    cl_device_id ids[MOST_DEVICES];
    size_t sizes[MOST_DEVICES] = {0}, bytes = 0, at = 0;
    unsigned char *binaries[MOST_DEVICES] = {0};
    *length = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_DEVICES, 0, NULL, &bytes) != CL_SUCCESS || bytes > sizeof ids ||
        clGetProgramInfo(program, CL_PROGRAM_DEVICES, bytes, ids, NULL) != CL_SUCCESS)
        return NULL;
    const size_t count = bytes / sizeof ids[0];
    while (count > 1 && at < count && ids[at] != device->id) // PoCL 3.1 names the whole device where the one is a part of it
        at++;
    if (at == count || clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, count * sizeof sizes[0], sizes, NULL) != CL_SUCCESS ||
        sizes[at] == 0)
        return NULL;
    unsigned char *binary = binaries[at] = base_alloc(sizes[at], 1);
    if (binary != NULL &&
        clGetProgramInfo(program, CL_PROGRAM_BINARIES, count * sizeof binaries[0], binaries, NULL) == CL_SUCCESS) {
        *length = sizes[at];
        return binary;
    }
    free(binary);
    return NULL;
}
