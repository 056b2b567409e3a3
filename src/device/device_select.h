// SPDX-License-Identifier: Apache-2.0
// The selector grammar of oclstm_device_open() as a function of a list: no OpenCL here.
#ifndef OCLSTM_DEVICE_DEVICE_SELECT_H
#define OCLSTM_DEVICE_DEVICE_SELECT_H

#include <oclstm/device.h>

// "gpu", "npu", "cpu", "other".
const char *device_kind_name(oclstm_device_kind kind);

// The position of the entry that "auto" opens; count when none is usable.
size_t device_select_auto(const oclstm_device_info *list, size_t count);

// The position of the entry that the selector names. On failure the message lists the choices.
oclstm_status device_select(size_t *chosen, const oclstm_device_info *list, size_t count, const char *selector,
                            oclstm_error *error);

#endif
