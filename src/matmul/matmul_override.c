// SPDX-License-Identifier: Apache-2.0
// CLBlast's parameters: from the device's tuned settings, or one candidate of a search. CLBlast keeps them for the process, by the device's id, and
// has no call that takes them back or (in C) tells them.
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "matmul/clblast_parameters.h"
#include "matmul/matmul_private.h"

// What was given to CLBlast in this process. Giving it the same again is left out: for a moment CLBlast has neither the old nor the new set, and
// another thread may be calling it.
enum { MAX_GIVEN = 64 };
static struct {
    cl_device_id id;
    tuned_clblast kernel;
} given[MAX_GIVEN];
static size_t given_count;
static pthread_mutex_t given_lock = PTHREAD_MUTEX_INITIALIZER;

static cl_device_id id_of(const oclstm_device *device) {
    cl_device_id id = NULL;
    if (clGetCommandQueueInfo(device_get_queue(device), CL_QUEUE_DEVICE, sizeof(cl_device_id), &id, NULL) != CL_SUCCESS)
        return NULL;
    return id;
}

static matmul_routine routine_of(const tuned_clblast *kernel) {
    return strncmp(kernel->kernel, "Xgemv", 5) == 0 ? MATMUL_GEMV : MATMUL_GEMM;
}

static bool same_values(const tuned_clblast *a, const tuned_clblast *b) {
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->names[i], b->names[i]) != 0 || a->values[i] != b->values[i])
            return false;
    }
    return true;
}

// The place of a kernel among what was given, or given_count.
static size_t find_given(cl_device_id id, const tuned_clblast *kernel) {
    size_t place = 0;
    while (place < given_count && (given[place].id != id || given[place].kernel.dtype != kernel->dtype ||
                                   strcmp(given[place].kernel.kernel, kernel->kernel) != 0))
        place++;
    return place;
}

static CLBlastStatusCode give(cl_device_id id, const tuned_clblast *kernel) {
    const char *names[TUNED_PARAMETERS];
    const size_t place = find_given(id, kernel);
    if (place < given_count && same_values(&given[place].kernel, kernel))
        return CLBlastSuccess;
    for (size_t i = 0; i < kernel->count; i++)
        names[i] = kernel->names[i];
    CLBlastPrecision precision = kernel->dtype == OCLSTM_F64 ? CLBlastPrecisionDouble : CLBlastPrecisionSingle;
    CLBlastStatusCode code = CLBlastOverrideParameters(id, kernel->kernel, precision, kernel->count, names, kernel->values);
    if (code == CLBlastSuccess && place < MAX_GIVEN) {
        given[place].id = id;
        given[place].kernel = *kernel;
        given_count += place == given_count;
    }
    return code;
}

oclstm_status matmul_override(oclstm_device *device, const tuned_clblast *kernel, oclstm_error *error) {
    if (!clblast_parameters_fit(kernel, device_get_limits(device)))
        return base_fail(error, OCLSTM_UNSUPPORTED, "CLBlast's kernel %s cannot have these parameters on %s", kernel->kernel,
                         device_get_limits(device)->name);
    const cl_device_id id = id_of(device);
    if (id == NULL)
        return base_fail(error, OCLSTM_OPENCL, "the queue of %s does not tell its device", device_get_limits(device)->name);
    pthread_mutex_lock(&given_lock);
    CLBlastStatusCode code = give(id, kernel);
    pthread_mutex_unlock(&given_lock);
    if (code == CLBlastSuccess)
        return OCLSTM_OK;
    const matmul_shape none = {.dtype = kernel->dtype};
    return matmul_fail(error, device, code, "CLBlastOverrideParameters", &none);
}

bool matmul_has_own_defaults(oclstm_device *device, oclstm_dtype dtype) {
    const cl_device_id id = id_of(device);
    bool untouched = true;
    pthread_mutex_lock(&given_lock);
    for (size_t i = 0; i < given_count; i++)
        untouched = untouched && (given[i].id != id || given[i].kernel.dtype != dtype);
    pthread_mutex_unlock(&given_lock);
    return untouched;
}

void matmul_apply_tuned(oclstm_device *device, oclstm_dtype dtype, matmul_routine routine) {
    const tuned_settings *tuned = device_get_tuned(device);
    for (size_t i = 0; i < tuned->clblast_count; i++) {
        // A kernel that this CLBlast does not know, or values that it cannot have, keep its defaults.
        if (tuned->clblast[i].dtype == dtype && routine_of(&tuned->clblast[i]) == routine)
            (void)matmul_override(device, &tuned->clblast[i], NULL);
    }
}
