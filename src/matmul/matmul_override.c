// SPDX-License-Identifier: Apache-2.0
// CLBlast's parameters: from the device's tuned settings, or one candidate of a search.
#include "base/error.h"
#include "matmul/matmul_private.h"

static cl_device_id id_of(const oclstm_device *device) {
    cl_device_id id = NULL;
    if (clGetCommandQueueInfo(device_get_queue(device), CL_QUEUE_DEVICE, sizeof(cl_device_id), &id, NULL) != CL_SUCCESS)
        return NULL;
    return id;
}

oclstm_status matmul_override(oclstm_device *device, const tuned_clblast *kernel, oclstm_error *error) {
    const char *names[TUNED_PARAMETERS];
    for (size_t i = 0; i < kernel->count; i++)
        names[i] = kernel->names[i];
    CLBlastPrecision precision = kernel->dtype == OCLSTM_F64 ? CLBlastPrecisionDouble : CLBlastPrecisionSingle;
    CLBlastStatusCode code =
        CLBlastOverrideParameters(id_of(device), kernel->kernel, precision, kernel->count, names, kernel->values);
    if (code == CLBlastSuccess)
        return OCLSTM_OK;
    const matmul_shape none = {.dtype = kernel->dtype};
    return matmul_fail(error, device, code, "CLBlastOverrideParameters", &none);
}

void matmul_apply_tuned(oclstm_device *device, oclstm_dtype dtype) {
    const tuned_settings *tuned = device_get_tuned(device);
    for (size_t i = 0; i < tuned->clblast_count; i++) {
        // A kernel that this CLBlast does not know keeps its defaults.
        if (tuned->clblast[i].dtype == dtype)
            (void)matmul_override(device, &tuned->clblast[i], NULL);
    }
}
