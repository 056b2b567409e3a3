// SPDX-License-Identifier: Apache-2.0
#include "group/group_rows.h"

#include <math.h>

#include <oclstm/group.h>

// A division is left for another that saves this part of the time.
static const double worth_moving = 0.05;
// The weight of the last call: a few calls forget a disturbance.
static const double weight_of_last = 0.25;

static double positive(double speed) { return isfinite(speed) && speed > 0.0 ? speed : 0.0; }

// By largest remainder, those of part 0 left out.
static void divide_among(size_t *rows, const double *part, size_t count, size_t batch) {
    double largest = 0.0, total = 0.0, remainder[OCLSTM_GROUP_MOST];
    size_t given = 0;
    for (size_t i = 0; i < count; i++)
        largest = part[i] > largest ? part[i] : largest;
    for (size_t i = 0; i < count; i++)
        total += part[i] / largest; // cannot overflow
    for (size_t i = 0; i < count; i++) {
        const double exact = (double)batch * (part[i] / largest / total);
        rows[i] = (size_t)exact;
        if (rows[i] > batch - given) // rounding
            rows[i] = batch - given;
        remainder[i] = part[i] > 0.0 ? exact - (double)rows[i] : -HUGE_VAL;
        given += rows[i];
    }
    for (; given < batch; given++) {
        size_t next = 0;
        for (size_t i = 1; i < count; i++) {
            if (remainder[i] > remainder[next])
                next = i;
        }
        rows[next]++;
        remainder[next] -= 1.0;
    }
}

void group_divide(size_t *rows, const double *speed, size_t count, size_t batch, size_t least) {
    double part[OCLSTM_GROUP_MOST];
    size_t taking_part = 0;
    for (size_t i = 0; i < count; i++) {
        part[i] = positive(speed[i]);
        taking_part += part[i] > 0.0;
    }
    for (size_t i = 0; i < count && taking_part == 0; i++)
        part[i] = 1.0;
    taking_part = taking_part > 0 ? taking_part : count;
    for (;;) {
        divide_among(rows, part, count, batch);
        // The slowest goes first where its share is too small; of equals the last.
        size_t slowest = count;
        for (size_t i = 0; i < count; i++) {
            if (part[i] > 0.0 && (slowest == count || part[i] <= part[slowest]))
                slowest = i;
        }
        if (taking_part <= 1 || rows[slowest] >= least)
            return;
        part[slowest] = 0.0;
        taking_part--;
    }
}

double group_time_of(const size_t *rows, const double *speed, size_t count) {
    double longest = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i] == 0)
            continue;
        const double time = positive(speed[i]) > 0.0 ? (double)rows[i] / speed[i] : HUGE_VAL;
        longest = time > longest ? time : longest;
    }
    return longest;
}

bool group_is_worth_moving(const size_t *now, const size_t *wanted, const double *speed, size_t count) {
    return group_time_of(wanted, speed, count) < (1.0 - worth_moving) * group_time_of(now, speed, count);
}

double group_mean(double mean, double sample) {
    if (positive(sample) == 0.0)
        return mean;
    return positive(mean) == 0.0 ? sample : mean + weight_of_last * (sample - mean);
}
