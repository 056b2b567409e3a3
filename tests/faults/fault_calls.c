// SPDX-License-Identifier: Apache-2.0
// The calls of the fault layer, each over the one below. A call that is to fail does not act, with two exceptions: a release lets go all
// the same, since nobody could do it again, and what a wait waits for comes to its end on a lost device, too.
#include "fault_state.h"

const char *const layer_name = "oclstm_faults";

// Queries and settings.
#define CALL(name, params, args)                                                                                                   \
    static cl_int CL_API_CALL fault_##name params {                                                                                \
        const fault_verdict verdict = fault_next(FAULT_CALL_##name);                                                               \
        return verdict.fails ? verdict.code : layer_below->name args;                                                              \
    }

#define INFO_PARAMS size_t size, void *value, size_t *size_ret
#define INFO_ARGS   size, value, size_ret

CALL(clGetPlatformIDs, (cl_uint capacity, cl_platform_id *out, cl_uint *found), (capacity, out, found))
CALL(clGetPlatformInfo, (cl_platform_id platform, cl_platform_info what, INFO_PARAMS), (platform, what, INFO_ARGS))
CALL(clGetDeviceIDs, (cl_platform_id platform, cl_device_type type, cl_uint capacity, cl_device_id *out, cl_uint *found),
     (platform, type, capacity, out, found))
CALL(clGetDeviceInfo, (cl_device_id device, cl_device_info what, INFO_PARAMS), (device, what, INFO_ARGS))
CALL(clGetContextInfo, (cl_context context, cl_context_info what, INFO_PARAMS), (context, what, INFO_ARGS))
CALL(clGetCommandQueueInfo, (cl_command_queue queue, cl_command_queue_info what, INFO_PARAMS), (queue, what, INFO_ARGS))
CALL(clGetMemObjectInfo, (cl_mem mem, cl_mem_info what, INFO_PARAMS), (mem, what, INFO_ARGS))
CALL(clGetProgramInfo, (cl_program program, cl_program_info what, INFO_PARAMS), (program, what, INFO_ARGS))
CALL(clGetProgramBuildInfo, (cl_program program, cl_device_id device, cl_program_build_info what, INFO_PARAMS),
     (program, device, what, INFO_ARGS))
CALL(clGetKernelInfo, (cl_kernel kernel, cl_kernel_info what, INFO_PARAMS), (kernel, what, INFO_ARGS))
CALL(clGetKernelWorkGroupInfo, (cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what, INFO_PARAMS),
     (kernel, device, what, INFO_ARGS))
CALL(clGetEventInfo, (cl_event event, cl_event_info what, INFO_PARAMS), (event, what, INFO_ARGS))
CALL(clGetEventProfilingInfo, (cl_event event, cl_profiling_info what, INFO_PARAMS), (event, what, INFO_ARGS))
CALL(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t size, const void *value), (kernel, index, size, value))
CALL(clBuildProgram,
     (cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
      void(CL_CALLBACK *notify)(cl_program, void *), void *data),
     (program, count, devices, options, notify, data))
CALL(clFlush, (cl_command_queue queue), (queue))

// --- objects ----------------------------------------------------------------------------------------------------------

#define CREATE(type, name, params, args)                                                                                           \
    static type CL_API_CALL fault_##name params {                                                                                  \
        const fault_verdict verdict = fault_next(FAULT_CALL_##name);                                                               \
        if (verdict.fails) {                                                                                                       \
            if (code != NULL)                                                                                                      \
                *code = verdict.code;                                                                                              \
            return NULL;                                                                                                           \
        }                                                                                                                          \
        type object = layer_below->name args;                                                                                      \
        fault_note_objects(object != NULL);                                                                                        \
        return object;                                                                                                             \
    }

CREATE(cl_context, clCreateContext,
       (const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
        void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *data, cl_int *code),
       (properties, count, devices, notify, data, code))
CREATE(cl_command_queue, clCreateCommandQueue,
       (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *code),
       (context, device, properties, code))
CREATE(cl_mem, clCreateSubBuffer, (cl_mem mem, cl_mem_flags flags, cl_buffer_create_type type, const void *region, cl_int *code),
       (mem, flags, type, region, code))
CREATE(cl_program, clCreateProgramWithSource,
       (cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *code),
       (context, count, texts, lengths, code))
CREATE(cl_program, clCreateProgramWithBinary,
       (cl_context context, cl_uint count, const cl_device_id *devices, const size_t *lengths, const unsigned char **binaries,
        cl_int *each, cl_int *code),
       (context, count, devices, lengths, binaries, each, code))
CREATE(cl_program, clCreateProgramWithIL, (cl_context context, const void *text, size_t length, cl_int *code),
       (context, text, length, code))
CREATE(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *code), (program, name, code))
CREATE(cl_event, clCreateUserEvent, (cl_context context, cl_int *code), (context, code))

static cl_mem CL_API_CALL fault_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code) {
    const fault_verdict verdict = fault_next(FAULT_CALL_clCreateBuffer);
    if (verdict.fails) {
        if (code != NULL)
            *code = verdict.code;
        return NULL;
    }
    cl_mem buffer = layer_below->clCreateBuffer(context, flags, size, host, code);
    fault_note_objects(buffer != NULL);
    if (buffer != NULL && (flags & CL_MEM_USE_HOST_PTR) != 0)
        fault_note_host_buffer(buffer);
    return buffer;
}

static cl_int CL_API_CALL fault_clCreateSubDevices(cl_device_id device, const cl_device_partition_property *properties,
                                                   cl_uint capacity, cl_device_id *out, cl_uint *found) {
    const fault_verdict verdict = fault_next(FAULT_CALL_clCreateSubDevices);
    cl_uint made = 0;
    if (verdict.fails)
        return verdict.code;
    const cl_int code = layer_below->clCreateSubDevices(device, properties, capacity, out, &made);
    if (code == CL_SUCCESS && out != NULL)
        fault_note_objects((int)(made < capacity ? made : capacity));
    if (found != NULL)
        *found = made;
    return code;
}

static cl_int CL_API_CALL fault_clCreateKernelsInProgram(cl_program program, cl_uint capacity, cl_kernel *out, cl_uint *found) {
    const fault_verdict verdict = fault_next(FAULT_CALL_clCreateKernelsInProgram);
    cl_uint made = 0;
    if (verdict.fails)
        return verdict.code;
    const cl_int code = layer_below->clCreateKernelsInProgram(program, capacity, out, &made);
    if (code == CL_SUCCESS && out != NULL)
        fault_note_objects((int)(made < capacity ? made : capacity));
    if (found != NULL)
        *found = made;
    return code;
}

#define RETAIN(type, name)                                                                                                         \
    static cl_int CL_API_CALL fault_##name(type object) {                                                                          \
        const fault_verdict verdict = fault_next(FAULT_CALL_##name);                                                               \
        if (verdict.fails)                                                                                                         \
            return verdict.code;                                                                                                   \
        const cl_int code = layer_below->name(object);                                                                             \
        fault_note_objects(code == CL_SUCCESS);                                                                                    \
        return code;                                                                                                               \
    }

#define RELEASE(type, name, note)                                                                                                  \
    static cl_int CL_API_CALL fault_##name(type object) {                                                                          \
        const fault_verdict verdict = fault_next(FAULT_CALL_##name);                                                               \
        note;                                                                                                                      \
        const cl_int code = layer_below->name(object);                                                                             \
        fault_note_objects(code == CL_SUCCESS ? -1 : 0);                                                                           \
        return verdict.fails ? verdict.code : code;                                                                                \
    }

RETAIN(cl_device_id, clRetainDevice)
RETAIN(cl_context, clRetainContext)
RETAIN(cl_command_queue, clRetainCommandQueue)
RETAIN(cl_mem, clRetainMemObject)
RETAIN(cl_program, clRetainProgram)
RETAIN(cl_kernel, clRetainKernel)
RETAIN(cl_event, clRetainEvent)
RELEASE(cl_device_id, clReleaseDevice, (void)0)
RELEASE(cl_context, clReleaseContext, (void)0)
RELEASE(cl_command_queue, clReleaseCommandQueue, (void)0)
RELEASE(cl_mem, clReleaseMemObject, fault_note_release(object))
RELEASE(cl_program, clReleaseProgram, (void)0)
RELEASE(cl_kernel, clReleaseKernel, (void)0)
RELEASE(cl_event, clReleaseEvent, (void)0)

// --- commands ---------------------------------------------------------------------------------------------------------

#define WAIT_PARAMS cl_uint wait_count, const cl_event *wait_list, cl_event *event
#define WAIT_ARGS   wait_count, wait_list, event

// An event is an object like others. `note` says what the command means for host memory.
#define ENQUEUE(name, params, args, note)                                                                                          \
    static cl_int CL_API_CALL fault_##name params {                                                                                \
        const fault_verdict verdict = fault_next(FAULT_CALL_##name);                                                               \
        if (verdict.fails)                                                                                                         \
            return verdict.code;                                                                                                   \
        const cl_int code = layer_below->name args;                                                                                \
        if (code == CL_SUCCESS) {                                                                                                  \
            fault_note_objects(event != NULL);                                                                                     \
            note;                                                                                                                  \
        }                                                                                                                          \
        return code;                                                                                                               \
    }

// Everything before it on the queue, which is in order, has ended with a blocking transfer.
static void note_transfer(cl_command_queue queue, cl_bool blocking) {
    if (blocking)
        fault_note_finished(queue);
    else
        fault_note_host_use(queue);
}

#define RECT_PARAMS                                                                                                                \
    const size_t *mem_origin, const size_t *host_origin, const size_t *region, size_t mem_row, size_t mem_slice, size_t host_row,  \
        size_t host_slice
#define RECT_ARGS mem_origin, host_origin, region, mem_row, mem_slice, host_row, host_slice

ENQUEUE(clEnqueueNDRangeKernel,
        (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
         const size_t *local, WAIT_PARAMS),
        (queue, kernel, dimensions, offset, global, local, WAIT_ARGS), fault_note_command(queue))
// A transfer may fail with its work begun: a driver that cannot wait for it has enqueued it all the same.
#define TRANSFER(name, host_type)                                                                                                  \
    static cl_int CL_API_CALL fault_##name(cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset, size_t size,       \
                                           host_type *host, WAIT_PARAMS) {                                                         \
        const fault_verdict verdict = fault_next(FAULT_CALL_##name);                                                               \
        if (verdict.fails && !verdict.begins)                                                                                      \
            return verdict.code;                                                                                                   \
        const cl_bool waits = blocking && !verdict.fails;                                                                          \
        const cl_int code =                                                                                                        \
            layer_below->name(queue, mem, waits, offset, size, host, wait_count, wait_list, verdict.fails ? NULL : event);         \
        if (code == CL_SUCCESS) {                                                                                                  \
            fault_note_objects(!verdict.fails && event != NULL);                                                                   \
            note_transfer(queue, waits);                                                                                           \
        }                                                                                                                          \
        return verdict.fails ? verdict.code : code;                                                                                \
    }

TRANSFER(clEnqueueReadBuffer, void)
TRANSFER(clEnqueueWriteBuffer, const void)
ENQUEUE(clEnqueueReadBufferRect, (cl_command_queue queue, cl_mem mem, cl_bool blocking, RECT_PARAMS, void *host, WAIT_PARAMS),
        (queue, mem, blocking, RECT_ARGS, host, WAIT_ARGS), note_transfer(queue, blocking))
ENQUEUE(clEnqueueWriteBufferRect,
        (cl_command_queue queue, cl_mem mem, cl_bool blocking, RECT_PARAMS, const void *host, WAIT_PARAMS),
        (queue, mem, blocking, RECT_ARGS, host, WAIT_ARGS), note_transfer(queue, blocking))
ENQUEUE(clEnqueueCopyBuffer,
        (cl_command_queue queue, cl_mem src, cl_mem dst, size_t src_offset, size_t dst_offset, size_t size, WAIT_PARAMS),
        (queue, src, dst, src_offset, dst_offset, size, WAIT_ARGS), fault_note_command(queue))
ENQUEUE(clEnqueueCopyBufferRect, (cl_command_queue queue, cl_mem src, cl_mem dst, RECT_PARAMS, WAIT_PARAMS),
        (queue, src, dst, RECT_ARGS, WAIT_ARGS), fault_note_command(queue))
ENQUEUE(clEnqueueFillBuffer,
        (cl_command_queue queue, cl_mem mem, const void *pattern, size_t pattern_size, size_t offset, size_t size, WAIT_PARAMS),
        (queue, mem, pattern, pattern_size, offset, size, WAIT_ARGS), fault_note_command(queue))

// Where nothing works any more the mapping goes all the same.
static cl_int CL_API_CALL fault_clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem mem, void *host, WAIT_PARAMS) {
    const fault_verdict verdict = fault_next(FAULT_CALL_clEnqueueUnmapMemObject);
    if (verdict.fails && !verdict.acts)
        return verdict.code;
    const cl_int code = layer_below->clEnqueueUnmapMemObject(queue, mem, host, WAIT_ARGS);
    if (code == CL_SUCCESS) {
        fault_note_objects(event != NULL);
        fault_note_command(queue);
    }
    return verdict.fails ? verdict.code : code;
}

ENQUEUE(clEnqueueMigrateMemObjects,
        (cl_command_queue queue, cl_uint count, const cl_mem *mems, cl_mem_migration_flags flags, WAIT_PARAMS),
        (queue, count, mems, flags, WAIT_ARGS), fault_note_command(queue))
ENQUEUE(clEnqueueMarkerWithWaitList, (cl_command_queue queue, WAIT_PARAMS), (queue, WAIT_ARGS), (void)0)
ENQUEUE(clEnqueueBarrierWithWaitList, (cl_command_queue queue, WAIT_PARAMS), (queue, WAIT_ARGS), (void)0)

static void *CL_API_CALL fault_clEnqueueMapBuffer(cl_command_queue queue, cl_mem mem, cl_bool blocking, cl_map_flags flags,
                                                  size_t offset, size_t size, WAIT_PARAMS, cl_int *code) {
    const fault_verdict verdict = fault_next(FAULT_CALL_clEnqueueMapBuffer);
    if (verdict.fails) {
        if (code != NULL)
            *code = verdict.code;
        return NULL;
    }
    void *host = layer_below->clEnqueueMapBuffer(queue, mem, blocking, flags, offset, size, WAIT_ARGS, code);
    fault_note_objects(host != NULL && event != NULL);
    if (host != NULL)
        note_transfer(queue, blocking);
    return host;
}

// --- waits ------------------------------------------------------------------------------------------------------------

static cl_int CL_API_CALL fault_clFinish(cl_command_queue queue) {
    const fault_verdict verdict = fault_next(FAULT_CALL_clFinish);
    cl_int code = CL_SUCCESS;
    if (!verdict.fails || verdict.acts)
        code = layer_below->clFinish(queue);
    if (!verdict.fails || verdict.acts)
        fault_note_finished(queue);
    return verdict.fails ? verdict.code : code;
}

static cl_int CL_API_CALL fault_clWaitForEvents(cl_uint count, const cl_event *events) {
    const fault_verdict verdict = fault_next(FAULT_CALL_clWaitForEvents);
    cl_int code = CL_SUCCESS;
    if (!verdict.fails || verdict.acts)
        code = layer_below->clWaitForEvents(count, events);
    return verdict.fails ? verdict.code : code;
}

void layer_install(struct _cl_icd_dispatch *table) {
    fault_read_environment();
#define INSTALL(name, errors, device)                                                                                              \
    if (table->name != NULL)                                                                                                       \
        table->name = fault_##name;
    FAULT_CALLS(INSTALL)
#undef INSTALL
}
