// SPDX-License-Identifier: Apache-2.0
/**
 * @file measure.h
 * What a device reaches at best, measured on it: the figures that a cell's speed is to be seen against.
 *
 * Thread-safety: as a call on the device; two measurements at once disturb each other's result.
 */
#ifndef OCLSTM_MEASURE_H
#define OCLSTM_MEASURE_H

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

#ifdef __cplusplus
}
#endif
#endif
