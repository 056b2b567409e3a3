// SPDX-License-Identifier: Apache-2.0
// One matrix product through CLBlast with the parameters that it has at the moment: run, held to a reference in double precision, timed.
#ifndef OCLSTM_TUNE_TUNE_PRODUCT_H
#define OCLSTM_TUNE_TUNE_PRODUCT_H

#include "device/device.h"

// Seconds of the fastest of some calls of C += A B^T, A [m][k], B [n][k]; *seconds is infinity where it fails. The first call is not timed: CLBlast
// compiles there.
oclstm_status tune_product_time(oclstm_device *device, oclstm_dtype dtype, size_t m, size_t n, size_t k, double least_seconds,
                                double *seconds, oclstm_error *error);

#endif
