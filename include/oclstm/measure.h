// SPDX-License-Identifier: Apache-2.0
/**
 * @file measure.h
 * What a device reaches at best, measured on it: the figures that a cell's speed is to be seen against.
 *
 * Thread-safety: may be called from any thread, also while other threads use the device; but whatever else the machine does disturbs the
 * result. oclstm_device_measure_product() with `tuned` false is alone with the device, as oclstm_tune() is. fork(): see device.h.
 */
#ifndef OCLSTM_MEASURE_H
#define OCLSTM_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include <oclstm/array.h>
#include <oclstm/device.h>
#include <oclstm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The two roofs of a device (Williams, Waterman & Patterson, Roofline: an insightful visual performance model, 2009). */
typedef struct oclstm_roofs {
    double flops_per_second; /**< fused multiply-adds in registers on all compute units, each counted as two operations */
    double bytes_per_second; /**< copying memory, larger than the caches where the device has that much: bytes read and written */
} oclstm_roofs;

/**
 * Measures a device's roofs with own kernels, the best of several runs of several forms of them. Takes about half a second, and
 * the first time the compilation of the kernels.
 *
 * The result is what the machine gave at this moment: on a busy machine it is lower. Data that stays in a cache moves
 * faster than bytes_per_second.
 *
 * @param[out] out    zeroed on failure.
 * @param      dtype  F32 or F64.
 * @return OK; INVALID_ARGUMENT (NULL, another dtype); UNSUPPORTED (float64 on a device without it); OUT_OF_MEMORY;
 *         OUT_OF_DEVICE_MEMORY; BUILD_FAILED; OPENCL. Waits.
 */
OCLSTM_API oclstm_status oclstm_device_measure_roofs(oclstm_roofs *out, oclstm_device *device, oclstm_dtype dtype,
                                                     oclstm_error *error);

/**
 * Measures a matrix product through CLBlast, C += A B^T, with A [m][k], B [n][k] and C [m][n] in row-major order on the device: with the
 * parameters that the device's tuned settings hold (oclstm_tune(), a preset), or with CLBlast's own.
 *
 * CLBlast keeps parameters for the process, and cannot be asked for its own again: measure with its own before anything else uses
 * CLBlast on this device. Each result is held to a reference in double precision.
 *
 * @param[out] seconds  of the fastest of several calls; infinity on failure.
 * @param      dtype    F32 or F64.
 * @param      m        with n and k at least 1; m = 1 is a matrix-vector product.
 * @param      tuned    false: CLBlast's own parameters.
 * @return OK; INVALID_ARGUMENT (NULL, another dtype, a size below 1; CLBlast's own are asked for, but it has been given others); UNSUPPORTED
 *         (float64 on a device without it, a device without what CLBlast needs, sizes beyond its kernels); OUT_OF_MEMORY;
 *         OUT_OF_DEVICE_MEMORY; OPENCL. Waits.
 */
OCLSTM_API oclstm_status oclstm_device_measure_product(double *seconds, oclstm_device *device, oclstm_dtype dtype, int64_t m,
                                                       int64_t n, int64_t k, bool tuned, oclstm_error *error);

#ifdef __cplusplus
}
#endif
#endif
