// SPDX-License-Identifier: Apache-2.0
// Devices that are not here: an OpenCL layer that makes the devices below it look and behave like others.
#include "layer_entry.h"

const char *const layer_name = "oclstm_imitate";

void layer_install(struct _cl_icd_dispatch *table) { (void)table; }
