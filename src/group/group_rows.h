// SPDX-License-Identifier: Apache-2.0
// The arithmetic of dividing rows by speed: no devices, no clocks.
#ifndef OCLSTM_GROUP_GROUP_ROWS_H
#define OCLSTM_GROUP_GROUP_ROWS_H

#include <stdbool.h>
#include <stddef.h>

// A device with fewer rows gains less than the call costs.
enum { GROUP_LEAST_ROWS = 3 };

// Divides `batch` rows among `count` devices in proportion to speed[] (any unit; 0, negative, infinite or NaN: takes no part; where no device does, none
// is known and all count alike). The sum of rows[] is the batch; a share is 0 or at least `least`, or the whole batch.
void group_divide(size_t *rows, const double *speed, size_t count, size_t batch, size_t least);

// How long the slowest share takes, in rows over speed; HUGE_VAL where a device with rows has no speed.
double group_time_of(const size_t *rows, const double *speed, size_t count);

// Is it worth giving up a division that is in use, for which every device is ready, for another?
bool group_is_worth_moving(const size_t *now, const size_t *wanted, const double *speed, size_t count);

// The running mean of a speed after one more call.
double group_mean(double mean, double sample);

#endif
