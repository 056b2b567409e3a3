// SPDX-License-Identifier: Apache-2.0
// One matrix product through CLBlast with the parameters that it has at the moment: run, held to a reference in double precision, timed.
#ifndef OCLSTM_TUNE_TUNE_PRODUCT_H
#define OCLSTM_TUNE_TUNE_PRODUCT_H

#include "matmul/matmul.h"

// Seconds of the fastest of some calls of a product on dense matrices (leading dimensions are not looked at); *seconds is infinity where it fails. The
// first call is not timed: CLBlast compiles there.
oclstm_status tune_product_time(oclstm_device *device, const matmul_shape *shape, double least_seconds, double *seconds,
                                oclstm_error *error);

#endif
