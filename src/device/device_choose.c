// SPDX-License-Identifier: Apache-2.0
#include "device/device_choose.h"

#include "device/device_facts.h"
#include "device/device_select.h"

// One row: up to this hidden size a step is too short to be shared. Two cores that meet once a step gain nothing below it.
static const int64_t largest_lone_hidden = 192;

// Any shape: up to this many operations, some 50 us of a core, a call is over before the threads of a pool are awake.
static const double most_operations = 4e6;

bool device_work_is_small(const device_work *work) {
    const double cell = 8.0 * (double)work->hidden * ((double)work->input + (double)work->hidden);
    return (work->batch == 1 && work->hidden <= largest_lone_hidden && work->input <= largest_lone_hidden) ||
           cell * (double)work->batch * (double)work->steps <= most_operations;
}

size_t device_choose_for(const oclstm_device_info *list, size_t count, const device_work *work) {
    const size_t chosen = device_select_auto(list, count);
    if (chosen == count || list[chosen].kind != OCLSTM_DEVICE_CPU || !device_work_is_small(work) ||
        device_runs_in_calling_thread(&list[chosen]))
        return chosen;
    for (size_t at = 0; at < count; at++) {
        if (list[at].usable && list[at].kind == OCLSTM_DEVICE_CPU && device_runs_in_calling_thread(&list[at]))
            return at;
    }
    return chosen;
}
