// SPDX-License-Identifier: Apache-2.0
// Which parameters of CLBlast's kernels can be used at all. A tuned file may have been damaged or written by hand: what does not compile, does not
// fit into a work-group or local memory, or pads a matrix beyond measure is refused before CLBlast sees it.
#ifndef OCLSTM_MATMUL_CLBLAST_PARAMETERS_H
#define OCLSTM_MATMUL_CLBLAST_PARAMETERS_H

#include "device/tuned.h"

// Do the values hold to the kernel's constraints and to the device's limits? A kernel or parameter that CLBlast 1.5.3 does not have for a product is
// refused as well.
bool clblast_parameters_fit(const tuned_clblast *kernel, const device_limits *limits);

#endif
