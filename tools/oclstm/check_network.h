// SPDX-License-Identifier: Apache-2.0
// A reference file of a whole network: stacks, directions, projections, lengths, tokens, ONNX nodes.
#ifndef OCLSTM_TOOL_CHECK_NETWORK_H
#define OCLSTM_TOOL_CHECK_NETWORK_H

#include "check_problem.h"

// Recomputes its answers and compares; what goes wrong is the outcome.
void check_network_on(const check_problem *problem, oclstm_device *device, const cli_options *options, check_outcome *outcome);

#endif
