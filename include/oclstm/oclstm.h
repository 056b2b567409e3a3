// SPDX-License-Identifier: Apache-2.0
/**
 * @file oclstm.h
 * The whole library but its OpenCL side (oclstm/opencl.h): LSTM cells on any OpenCL device.
 *
 * Read in this order: status.h (errors), array.h (how data is passed), device.h, tensors.h (model files), cell.h, group.h
 * (several devices at once), network.h (whole models), backward.h (gradients of a cell), train.h (training), measure.h (what a device can reach), tune.h, kernels.h (kernels kept on disk, and
 * compiled offline).
 *
 * Conventions: out-parameters come first; a create function makes an object that its destroy or close function
 * releases and nulls; the zero value of every option is its default; sizes are int64_t so that a negative one can be named in an
 * error instead of wrapping.
 */
#ifndef OCLSTM_OCLSTM_H
#define OCLSTM_OCLSTM_H

#include <oclstm/array.h>
#include <oclstm/backward.h>
#include <oclstm/cell.h>
#include <oclstm/device.h>
#include <oclstm/group.h>
#include <oclstm/kernels.h>
#include <oclstm/measure.h>
#include <oclstm/network.h>
#include <oclstm/status.h>
#include <oclstm/tensors.h>
#include <oclstm/train.h>
#include <oclstm/tune.h>

#endif
