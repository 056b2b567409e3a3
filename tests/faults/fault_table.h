// SPDX-License-Identifier: Apache-2.0
// Which OpenCL calls can fail, and with what: the one table of the fault layer and of the test that uses it.
#ifndef OCLSTM_TESTS_FAULT_TABLE_H
#define OCLSTM_TESTS_FAULT_TABLE_H

// The errors tried: X(bit, OpenCL's code, its name). CL_INVALID_... are left out where they say that the caller is wrong.
#define FAULT_ERRORS(X)                                                                                                            \
    X(HOST, -6, "CL_OUT_OF_HOST_MEMORY")                                                                                           \
    X(RESOURCES, -5, "CL_OUT_OF_RESOURCES")                                                                                        \
    X(ALLOCATION, -4, "CL_MEM_OBJECT_ALLOCATION_FAILURE")                                                                          \
    X(NO_COMPILER, -3, "CL_COMPILER_NOT_AVAILABLE")                                                                                \
    X(NOT_AVAILABLE, -2, "CL_DEVICE_NOT_AVAILABLE")                                                                                \
    X(NOT_FOUND, -1, "CL_DEVICE_NOT_FOUND")                                                                                        \
    X(BUILD, -11, "CL_BUILD_PROGRAM_FAILURE")                                                                                      \
    X(MAP, -12, "CL_MAP_FAILURE")                                                                                                  \
    X(WAITED_FOR, -14, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST")                                                             \
    X(PARTITION, -18, "CL_DEVICE_PARTITION_FAILED")                                                                                \
    X(BINARY, -42, "CL_INVALID_BINARY")                                                                                            \
    X(PLATFORM, -1001, "CL_PLATFORM_NOT_FOUND_KHR")

enum fault_error_place {
#define FAULT_PLACE(bit, code, name) FAULT_PLACE_##bit,
    FAULT_ERRORS(FAULT_PLACE)
#undef FAULT_PLACE
        FAULT_ERROR_COUNT
};

enum fault_error_bit {
#define FAULT_BIT(bit, code, name) FAULT_##bit = 1 << FAULT_PLACE_##bit,
    FAULT_ERRORS(FAULT_BIT)
#undef FAULT_BIT
};

// Every call may run out of the host's memory, and every one but the first two out of the driver's resources.
#define FAULT_ANY  (FAULT_HOST | FAULT_RESOURCES)
#define FAULT_WORK (FAULT_ANY | FAULT_ALLOCATION)

// Does it fail when the device is lost?
enum { FAULT_STAYS, FAULT_ON_DEVICE };

// X(call, errors that the specification lets it return, whether it touches the device).
#define FAULT_CALLS(X)                                                                                                             \
    X(clGetPlatformIDs, FAULT_HOST | FAULT_PLATFORM, FAULT_STAYS)                                                                  \
    X(clGetPlatformInfo, FAULT_HOST, FAULT_STAYS)                                                                                  \
    X(clGetDeviceIDs, FAULT_ANY | FAULT_NOT_FOUND, FAULT_STAYS)                                                                    \
    X(clGetDeviceInfo, FAULT_ANY, FAULT_STAYS)                                                                                     \
    X(clCreateSubDevices, FAULT_ANY | FAULT_PARTITION, FAULT_ON_DEVICE)                                                            \
    X(clRetainDevice, FAULT_ANY, FAULT_STAYS)                                                                                      \
    X(clReleaseDevice, FAULT_ANY, FAULT_STAYS)                                                                                     \
    X(clCreateContext, FAULT_ANY | FAULT_NOT_AVAILABLE, FAULT_ON_DEVICE)                                                           \
    X(clRetainContext, FAULT_ANY, FAULT_STAYS)                                                                                     \
    X(clReleaseContext, FAULT_ANY, FAULT_STAYS)                                                                                    \
    X(clGetContextInfo, FAULT_ANY, FAULT_STAYS)                                                                                    \
    X(clCreateCommandQueue, FAULT_ANY, FAULT_ON_DEVICE)                                                                            \
    X(clRetainCommandQueue, FAULT_ANY, FAULT_STAYS)                                                                                \
    X(clReleaseCommandQueue, FAULT_ANY, FAULT_STAYS)                                                                               \
    X(clGetCommandQueueInfo, FAULT_ANY, FAULT_STAYS)                                                                               \
    X(clCreateBuffer, FAULT_WORK, FAULT_ON_DEVICE)                                                                                 \
    X(clCreateSubBuffer, FAULT_WORK, FAULT_ON_DEVICE)                                                                              \
    X(clRetainMemObject, FAULT_ANY, FAULT_STAYS)                                                                                   \
    X(clReleaseMemObject, FAULT_ANY, FAULT_STAYS)                                                                                  \
    X(clGetMemObjectInfo, FAULT_ANY, FAULT_STAYS)                                                                                  \
    X(clCreateProgramWithSource, FAULT_ANY, FAULT_ON_DEVICE)                                                                       \
    X(clCreateProgramWithBinary, FAULT_ANY | FAULT_BINARY, FAULT_ON_DEVICE)                                                        \
    X(clCreateProgramWithIL, FAULT_ANY, FAULT_ON_DEVICE)                                                                           \
    X(clRetainProgram, FAULT_ANY, FAULT_STAYS)                                                                                     \
    X(clReleaseProgram, FAULT_ANY, FAULT_STAYS)                                                                                    \
    X(clBuildProgram, FAULT_ANY | FAULT_BUILD | FAULT_NO_COMPILER | FAULT_BINARY, FAULT_ON_DEVICE)                                 \
    X(clGetProgramInfo, FAULT_ANY, FAULT_STAYS)                                                                                    \
    X(clGetProgramBuildInfo, FAULT_ANY, FAULT_STAYS)                                                                               \
    X(clCreateKernel, FAULT_ANY, FAULT_ON_DEVICE)                                                                                  \
    X(clCreateKernelsInProgram, FAULT_ANY, FAULT_ON_DEVICE)                                                                        \
    X(clRetainKernel, FAULT_ANY, FAULT_STAYS)                                                                                      \
    X(clReleaseKernel, FAULT_ANY, FAULT_STAYS)                                                                                     \
    X(clSetKernelArg, FAULT_ANY, FAULT_STAYS)                                                                                      \
    X(clGetKernelInfo, FAULT_ANY, FAULT_STAYS)                                                                                     \
    X(clGetKernelWorkGroupInfo, FAULT_ANY, FAULT_STAYS)                                                                            \
    X(clCreateUserEvent, FAULT_ANY, FAULT_STAYS)                                                                                   \
    X(clRetainEvent, FAULT_ANY, FAULT_STAYS)                                                                                       \
    X(clReleaseEvent, FAULT_ANY, FAULT_STAYS)                                                                                      \
    X(clGetEventInfo, FAULT_ANY, FAULT_STAYS)                                                                                      \
    X(clGetEventProfilingInfo, FAULT_ANY, FAULT_STAYS)                                                                             \
    X(clWaitForEvents, FAULT_ANY | FAULT_WAITED_FOR, FAULT_ON_DEVICE)                                                              \
    X(clFlush, FAULT_ANY, FAULT_ON_DEVICE)                                                                                         \
    X(clFinish, FAULT_ANY, FAULT_ON_DEVICE)                                                                                        \
    X(clEnqueueNDRangeKernel, FAULT_WORK, FAULT_ON_DEVICE)                                                                         \
    X(clEnqueueReadBuffer, FAULT_WORK | FAULT_WAITED_FOR, FAULT_ON_DEVICE)                                                         \
    X(clEnqueueReadBufferRect, FAULT_WORK, FAULT_ON_DEVICE)                                                                        \
    X(clEnqueueWriteBuffer, FAULT_WORK | FAULT_WAITED_FOR, FAULT_ON_DEVICE)                                                        \
    X(clEnqueueWriteBufferRect, FAULT_WORK, FAULT_ON_DEVICE)                                                                       \
    X(clEnqueueCopyBuffer, FAULT_WORK, FAULT_ON_DEVICE)                                                                            \
    X(clEnqueueCopyBufferRect, FAULT_WORK, FAULT_ON_DEVICE)                                                                        \
    X(clEnqueueFillBuffer, FAULT_WORK, FAULT_ON_DEVICE)                                                                            \
    X(clEnqueueMapBuffer, FAULT_WORK | FAULT_MAP, FAULT_ON_DEVICE)                                                                 \
    X(clEnqueueUnmapMemObject, FAULT_ANY, FAULT_ON_DEVICE)                                                                         \
    X(clEnqueueMigrateMemObjects, FAULT_WORK, FAULT_ON_DEVICE)                                                                     \
    X(clEnqueueMarkerWithWaitList, FAULT_ANY, FAULT_ON_DEVICE)                                                                     \
    X(clEnqueueBarrierWithWaitList, FAULT_ANY, FAULT_ON_DEVICE)

typedef enum fault_call {
#define FAULT_NUMBER(name, errors, device) FAULT_CALL_##name,
    FAULT_CALLS(FAULT_NUMBER)
#undef FAULT_NUMBER
        FAULT_CALL_COUNT
} fault_call;

#endif
