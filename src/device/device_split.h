// SPDX-License-Identifier: Apache-2.0
// clCreateSubDevices, and the sub-devices that a driver must not be given back.
#ifndef OCLSTM_DEVICE_DEVICE_SPLIT_H
#define OCLSTM_DEVICE_DEVICE_SPLIT_H

#include "device/device_private.h"

// Part `wanted` of `parts` (more than one, at most `units`) of a device with `units` compute units; the larger ones first where they are not
// equal. *made: the caller releases it. Otherwise it is kept for the process, and is the same one the next time, see device_loses_parts().
oclstm_status device_split(cl_device_id *out, bool *made, const device_entry *whole, size_t units, size_t parts, size_t wanted,
                           oclstm_error *error);

// Releases what is kept. For tests: nothing may have run on it.
void device_split_forget(void);

#endif
