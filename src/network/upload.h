// SPDX-License-Identifier: Apache-2.0
// Weights from a file to the device, in the network's dtype.
#ifndef OCLSTM_NETWORK_UPLOAD_H
#define OCLSTM_NETWORK_UPLOAD_H

#include <oclstm/tensors.h>

#include "device/device.h"

// A buffer of the tensor's elements as they lie.
oclstm_status network_upload(cl_mem *out, oclstm_device *device, const oclstm_tensors *file, const oclstm_tensor *tensor,
                             oclstm_dtype dtype, oclstm_error *error);

// A buffer of a matrix [rows][columns] (further extents are 1) as [columns][rows].
oclstm_status network_upload_transposed(cl_mem *out, oclstm_device *device, const oclstm_tensors *file, const oclstm_tensor *tensor,
                                        oclstm_dtype dtype, oclstm_error *error);

// A buffer of `count` elements a + b; either may be NULL, which counts as zero.
oclstm_status network_upload_sum(cl_mem *out, oclstm_device *device, const oclstm_tensors *file, const oclstm_tensor *a,
                                 const oclstm_tensor *b, size_t count, oclstm_dtype dtype, oclstm_error *error);

#endif
