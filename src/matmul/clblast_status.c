// SPDX-License-Identifier: Apache-2.0
// CLBlast's own status codes by name, and the error record they fill. Its other codes are OpenCL's.
#include "base/error.h"
#include "matmul/matmul_private.h"

#define CLBLAST_CODES(X)                                                                                                           \
    X(CLBlastNotImplemented)                                                                                                       \
    X(CLBlastInvalidMatrixA)                                                                                                       \
    X(CLBlastInvalidMatrixB)                                                                                                       \
    X(CLBlastInvalidMatrixC)                                                                                                       \
    X(CLBlastInvalidVectorX)                                                                                                       \
    X(CLBlastInvalidVectorY)                                                                                                       \
    X(CLBlastInvalidDimension)                                                                                                     \
    X(CLBlastInvalidLeadDimA)                                                                                                      \
    X(CLBlastInvalidLeadDimB)                                                                                                      \
    X(CLBlastInvalidLeadDimC)                                                                                                      \
    X(CLBlastInvalidIncrementX)                                                                                                    \
    X(CLBlastInvalidIncrementY)                                                                                                    \
    X(CLBlastInsufficientMemoryA)                                                                                                  \
    X(CLBlastInsufficientMemoryB)                                                                                                  \
    X(CLBlastInsufficientMemoryC)                                                                                                  \
    X(CLBlastInsufficientMemoryX)                                                                                                  \
    X(CLBlastInsufficientMemoryY)                                                                                                  \
    X(CLBlastInsufficientMemoryTemp)                                                                                               \
    X(CLBlastInvalidBatchCount)                                                                                                    \
    X(CLBlastInvalidOverrideKernel)                                                                                                \
    X(CLBlastMissingOverrideParameter)                                                                                             \
    X(CLBlastInvalidLocalMemUsage)                                                                                                 \
    X(CLBlastNoHalfPrecision)                                                                                                      \
    X(CLBlastNoDoublePrecision)                                                                                                    \
    X(CLBlastInvalidVectorScalar)                                                                                                  \
    X(CLBlastInsufficientMemoryScalar)                                                                                             \
    X(CLBlastDatabaseError)                                                                                                        \
    X(CLBlastUnknownError)                                                                                                         \
    X(CLBlastUnexpectedError)

// NULL for a code that is OpenCL's.
static const char *own_name(int code) {
    switch (code) {
#define NAME_CASE(name)                                                                                                            \
    case name:                                                                                                                     \
        return #name;
        CLBLAST_CODES(NAME_CASE)
#undef NAME_CASE
    }
    return NULL;
}

// Its kernels ask for more than the device has: another engine will do.
static bool is_beyond_device(int code) {
    switch (code) {
    case CL_INVALID_WORK_DIMENSION:
    case CL_INVALID_WORK_GROUP_SIZE:
    case CL_INVALID_WORK_ITEM_SIZE:
    case CLBlastInvalidLocalMemUsage:
    case CLBlastNoDoublePrecision:
        return true;
    default:
        return false;
    }
}

static oclstm_status fail_own(oclstm_error *error, const oclstm_device *device, int code, const char *name, const char *call,
                              const char *product) {
    const char *device_name = device_get_limits(device)->name;
    oclstm_status status =
        base_fail(error, OCLSTM_OPENCL, "%s on %s: %s failed with %s (%d)", product, device_name, call, name, code);
    if (error == NULL)
        return status;
    error->opencl_code = code;
    base_copy_string(error->opencl_name, sizeof error->opencl_name, name);
    base_copy_string(error->call, sizeof error->call, call);
    base_copy_string(error->device, sizeof error->device, device_name);
    return status;
}

oclstm_status matmul_fail(oclstm_error *error, const oclstm_device *device, CLBlastStatusCode code, const char *call,
                          const matmul_shape *shape) {
    const char *name = own_name(code);
    char product[160] = "";
    base_append(product, sizeof product, "multiplying %zu x %zu by %zu x %zu in %s", shape->m, shape->k, shape->k, shape->n,
                oclstm_dtype_name(shape->dtype));
    oclstm_status status =
        name ? fail_own(error, device, code, name, call, product) : device_fail(error, device, code, call, "%s", product);
    // It goes on with a program that did not build, and stumbles over it.
    if (code == CL_INVALID_PROGRAM || code == CL_INVALID_PROGRAM_EXECUTABLE) {
        if (error) {
            error->status = OCLSTM_BUILD_FAILED;
            base_append(error->message, sizeof error->message,
                        "; CLBlast's kernels do not build on the device: use another engine");
        }
        return OCLSTM_BUILD_FAILED;
    }
    if (!is_beyond_device(code))
        return status;
    if (error) {
        error->status = OCLSTM_UNSUPPORTED;
        base_append(
            error->message, sizeof error->message,
            "; CLBlast's kernels need larger work-groups, more local memory or a type that the device does not have: use the "
            "portable engine");
    }
    return OCLSTM_UNSUPPORTED;
}
