// SPDX-License-Identifier: Apache-2.0
// A device before OpenCL 1.2: the calls that it does not have. Its driver's table ends before them, so a real one would end the process; here
// they are refused and counted.
#include "imitate.h"

static bool is_old(const disguise *as) {
    if (as->version == UNSET || as->version >= 102)
        return false;
    imitate_count(COUNT_LATE_CALLS);
    imitate_count(COUNT_REFUSED);
    return true;
}

static void *no_object(cl_int *code) {
    if (code)
        *code = CL_INVALID_OPERATION;
    return NULL;
}

static cl_int CL_API_CALL create_sub_devices(cl_device_id id, const cl_device_partition_property *properties, cl_uint capacity,
                                             cl_device_id *ids, cl_uint *count) {
    return is_old(disguise_of_device(id)) ? CL_INVALID_OPERATION
                                          : layer_below->clCreateSubDevices(id, properties, capacity, ids, count);
}

static cl_int CL_API_CALL retain_device(cl_device_id id) {
    return is_old(disguise_of_device(id)) ? CL_INVALID_OPERATION : layer_below->clRetainDevice(id);
}

static cl_int CL_API_CALL release_device(cl_device_id id) {
    return is_old(disguise_of_device(id)) ? CL_INVALID_OPERATION : layer_below->clReleaseDevice(id);
}

static cl_program CL_API_CALL create_with_built_in_kernels(cl_context context, cl_uint count, const cl_device_id *ids,
                                                           const char *names, cl_int *code) {
    return is_old(disguise_of_context(context)) ? no_object(code)
                                                : layer_below->clCreateProgramWithBuiltInKernels(context, count, ids, names, code);
}

static cl_program CL_API_CALL link_program(cl_context context, cl_uint count, const cl_device_id *ids, const char *options,
                                           cl_uint program_count, const cl_program *programs,
                                           void(CL_CALLBACK *notify)(cl_program, void *), void *user, cl_int *code) {
    return is_old(disguise_of_context(context))
               ? no_object(code)
               : layer_below->clLinkProgram(context, count, ids, options, program_count, programs, notify, user, code);
}

static cl_int CL_API_CALL get_kernel_arg_info(cl_kernel kernel, cl_uint index, cl_kernel_arg_info parameter, size_t capacity,
                                              void *dst, size_t *needed) {
    return is_old(disguise_of_kernel(kernel)) ? CL_INVALID_OPERATION
                                              : layer_below->clGetKernelArgInfo(kernel, index, parameter, capacity, dst, needed);
}

static cl_int CL_API_CALL fill_buffer(cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_bytes,
                                      size_t offset, size_t bytes, cl_uint wait_count, const cl_event *wait, cl_event *event) {
    return is_old(disguise_of_queue(queue))
               ? CL_INVALID_OPERATION
               : layer_below->clEnqueueFillBuffer(queue, buffer, pattern, pattern_bytes, offset, bytes, wait_count, wait, event);
}

static cl_int CL_API_CALL migrate(cl_command_queue queue, cl_uint count, const cl_mem *objects, cl_mem_migration_flags flags,
                                  cl_uint wait_count, const cl_event *wait, cl_event *event) {
    return is_old(disguise_of_queue(queue))
               ? CL_INVALID_OPERATION
               : layer_below->clEnqueueMigrateMemObjects(queue, count, objects, flags, wait_count, wait, event);
}

static cl_int CL_API_CALL marker(cl_command_queue queue, cl_uint wait_count, const cl_event *wait, cl_event *event) {
    return is_old(disguise_of_queue(queue)) ? CL_INVALID_OPERATION
                                            : layer_below->clEnqueueMarkerWithWaitList(queue, wait_count, wait, event);
}

static cl_int CL_API_CALL barrier(cl_command_queue queue, cl_uint wait_count, const cl_event *wait, cl_event *event) {
    return is_old(disguise_of_queue(queue)) ? CL_INVALID_OPERATION
                                            : layer_below->clEnqueueBarrierWithWaitList(queue, wait_count, wait, event);
}

static cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id id, const cl_queue_properties *properties,
                                                 cl_int *code) {
    return is_old(disguise_of_device(id)) ? no_object(code)
                                          : layer_below->clCreateCommandQueueWithProperties(context, id, properties, code);
}

static cl_mem CL_API_CALL create_buffer_with_properties(cl_context context, const cl_mem_properties *properties, cl_mem_flags flags,
                                                        size_t bytes, void *host, cl_int *code) {
    return is_old(disguise_of_context(context))
               ? no_object(code)
               : layer_below->clCreateBufferWithProperties(context, properties, flags, bytes, host, code);
}

void imitate_versions_install(struct _cl_icd_dispatch *table) {
    table->clCreateSubDevices = create_sub_devices;
    table->clRetainDevice = retain_device;
    table->clReleaseDevice = release_device;
    table->clCreateProgramWithBuiltInKernels = create_with_built_in_kernels;
    table->clLinkProgram = link_program;
    table->clGetKernelArgInfo = get_kernel_arg_info;
    table->clEnqueueFillBuffer = fill_buffer;
    table->clEnqueueMigrateMemObjects = migrate;
    table->clEnqueueMarkerWithWaitList = marker;
    table->clEnqueueBarrierWithWaitList = barrier;
    table->clCreateCommandQueueWithProperties = create_queue;
    table->clCreateBufferWithProperties = create_buffer_with_properties;
}
