// SPDX-License-Identifier: Apache-2.0
// Values of options from their text. Each returns false for a text that is none.
#ifndef OCLSTM_TOOL_OPTION_VALUES_H
#define OCLSTM_TOOL_OPTION_VALUES_H

#include "options.h"

// A finite number, at least 0 and below `bound`.
bool option_number(cli_number *out, const char *text, double bound);

bool option_count(int64_t *out, const char *text); // 1 or greater
bool option_integer(int64_t *out, const char *text);

// 90, 90s, 10m or 1h, above 0, up to 24h: seconds.
bool option_time(double *seconds, const char *text);

// A count of steps, or a time with its unit; the other one becomes 0.
bool option_every(int64_t *steps, double *seconds, const char *text);

// By the library's names.
bool option_loss(oclstm_loss *out, const char *text);
bool option_optimizer(oclstm_optimizer *out, const char *text);
bool option_schedule(oclstm_schedule *out, const char *text);

#endif
