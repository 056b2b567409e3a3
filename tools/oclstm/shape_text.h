// SPDX-License-Identifier: Apache-2.0
// Shapes on the command line: "B,I,H,T".
#ifndef OCLSTM_TOOL_SHAPE_TEXT_H
#define OCLSTM_TOOL_SHAPE_TEXT_H

#include "options.h"

// Appends the shape to options->shapes. NULL, or what would have been right.
const char *shape_parse_next(cli_options *options, const char *text);

#endif
