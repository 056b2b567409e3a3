// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "matmul/matmul.h"
#include "tune/tune_product.h"

#include <oclstm/measure.h>

static const double least_seconds = 0.5;

static oclstm_status check_arguments(const double *seconds, const oclstm_device *device, oclstm_dtype dtype, int64_t m, int64_t n,
                                     int64_t k, oclstm_error *error) {
    static const char call[] = "oclstm_device_measure_product";
    char why[256];
    if (seconds == NULL || device == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s: %s is NULL", call, seconds == NULL ? "seconds" : "device");
    if (dtype != OCLSTM_F32 && dtype != OCLSTM_F64)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s: products are in float32 or float64, not %s", call,
                         oclstm_dtype_name(dtype));
    if (m < 1 || n < 1 || k < 1)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s: m, n and k are %lld, %lld, %lld; each must be at least 1", call,
                         (long long)m, (long long)n, (long long)k);
    if ((uint64_t)m > SIZE_MAX || (uint64_t)n > SIZE_MAX || (uint64_t)k > SIZE_MAX)
        return base_fail(error, OCLSTM_UNSUPPORTED, "%s: m, n or k is beyond this machine's addresses", call);
    if (!matmul_supported(device_get_limits(device), dtype, why, sizeof why))
        return base_fail(error, OCLSTM_UNSUPPORTED, "%s on %s: %s", call, device_get_limits(device)->name, why);
    return device_check_fork(error);
}

// As if the device had never been tuned; the next use of CLBlast after it gets what was there.
static oclstm_status time_untuned(double *seconds, oclstm_device *device, oclstm_dtype dtype, const matmul_shape *shape,
                                  oclstm_error *error) {
    if (!matmul_has_own_defaults(device, dtype))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "CLBlast has been given parameters for %s in this process and cannot go back to its own; measure with "
                         "those before anything else uses CLBlast on this device",
                         device_get_limits(device)->name);
    tuned_settings *settings = base_alloc(2, sizeof *settings); // none, and what was there
    if (settings == NULL)
        return base_fail_memory(error, 2 * sizeof *settings, "settings");
    settings[1] = *device_get_tuned(device);
    device_set_tuned(device, &settings[0]);
    oclstm_status status = tune_product_time(device, shape, least_seconds, seconds, error);
    device_set_tuned(device, &settings[1]);
    matmul_begin_anew(device, dtype);
    free(settings);
    return status;
}

oclstm_status oclstm_device_measure_product(double *seconds, oclstm_device *device, oclstm_dtype dtype, int64_t m, int64_t n,
                                            int64_t k, bool tuned, oclstm_error *error) {
    if (seconds != NULL)
        *seconds = INFINITY;
    oclstm_status status = check_arguments(seconds, device, dtype, m, n, k, error);
    if (status != OCLSTM_OK)
        return status;
    const matmul_shape shape = {.dtype = dtype, .m = (size_t)m, .n = (size_t)n, .k = (size_t)k};
    if (!tuned)
        return time_untuned(seconds, device, dtype, &shape, error);
    return tune_product_time(device, &shape, least_seconds, seconds, error);
}
