// SPDX-License-Identifier: Apache-2.0
// Who gets which rows: measured when a shape is new, corrected by every call.
#include <math.h>
#include <string.h>

#include "group/group_private.h"
#include "group/group_rows.h"

// Is the speed of one of those left known?
static bool is_measured(const oclstm_group *group, const group_entry *entry) {
    for (size_t i = 0; i < group->count; i++) {
        if (!group->workers[i].is_out && entry->speed[i] > 0.0)
            return true;
    }
    return false;
}

void speed_of_left(const oclstm_group *group, const group_entry *entry, double *speed) {
    const bool is_known = is_measured(group, entry);
    for (size_t i = 0; i < group->count; i++)
        speed[i] = group->workers[i].is_out ? 0.0 : is_known ? entry->speed[i] : 1.0;
}

// Runs a first run or a trial of this division. False where a device failed: it is out, and another division is needed.
static bool try_division(oclstm_group *group, const group_call *call, const size_t *rows, group_job_kind kind) {
    bool good = true;
    workers_set(group, call, rows, 0, kind);
    workers_run(group);
    for (size_t i = 0; i < group->count; i++) {
        const oclstm_status status = rows[i] > 0 ? group->workers[i].job.status : OCLSTM_OK;
        if (status != OCLSTM_OK && status != OCLSTM_INVALID_ARGUMENT) { // a wrong argument is the call's to report
            report_failure(group, i);
            good = false;
        }
    }
    return good;
}

static void take_speeds(const oclstm_group *group, const size_t *rows, double *speed) {
    for (size_t i = 0; i < group->count; i++) {
        const group_job *job = &group->workers[i].job;
        if (rows[i] > 0 && job->seconds > 0.0)
            speed[i] = (double)(rows[i] * job->steps) / job->seconds;
    }
}

// The fastest device alone, in place of all of them, where that is faster.
static bool try_alone(oclstm_group *group, const group_call *call, group_entry *entry) {
    size_t rows[OCLSTM_GROUP_MOST] = {0}, best = 0;
    double speed[OCLSTM_GROUP_MOST], alone[OCLSTM_GROUP_MOST] = {0};
    speed_of_left(group, entry, speed);
    for (size_t i = 1; i < group->count; i++)
        best = speed[i] > speed[best] ? i : best;
    rows[best] = call->size.batch;
    if (!try_division(group, call, rows, JOB_FIRST) || !try_division(group, call, rows, JOB_TRIAL))
        return false;
    take_speeds(group, rows, alone);
    if (group_time_of(rows, alone, group->count) > group_time_of(entry->rows, speed, group->count))
        return true;
    memcpy(entry->rows, rows, sizeof entry->rows);
    memcpy(entry->speed, alone, sizeof entry->speed);
    return true;
}

// Equal shares on all devices at the same time tell the speeds; then the fastest has to show what it does alone.
static bool measure(oclstm_group *group, const group_call *call, group_entry *entry) {
    size_t rows[OCLSTM_GROUP_MOST];
    double equal[OCLSTM_GROUP_MOST], speed[OCLSTM_GROUP_MOST];
    for (size_t i = 0; i < group->count; i++)
        equal[i] = group->workers[i].is_out ? 0.0 : 1.0;
    memset(entry->speed, 0, sizeof entry->speed);
    group_divide(rows, equal, group->count, call->size.batch, GROUP_LEAST_ROWS);
    memcpy(entry->rows, rows, group->count * sizeof rows[0]);
    size_t shares = 0;
    for (size_t i = 0; i < group->count; i++)
        shares += rows[i] > 0;
    if (shares <= 1) {
        for (size_t i = 0; i < group->count; i++) // one device, whichever: no speeds are needed
            entry->speed[i] = rows[i] > 0 ? 1.0 : 0.0;
        return true;
    }
    if (!try_division(group, call, rows, JOB_FIRST) || !try_division(group, call, rows, JOB_TRIAL))
        return false;
    take_speeds(group, rows, entry->speed);
    speed_of_left(group, entry, speed);
    group_divide(entry->rows, speed, group->count, call->size.batch, GROUP_LEAST_ROWS);
    entry->is_new = true;
    return try_alone(group, call, entry);
}

// Speeds are measured again after this many seconds of calls while a device has no rows: it may have been busy otherwise. A measurement takes 1 % of
// that.
static const double measure_again_seconds = 3.0;

static bool has_idle(const oclstm_group *group, const group_entry *entry) {
    for (size_t i = 0; i < group->count; i++) {
        if (!group->workers[i].is_out && entry->rows[i] == 0)
            return true;
    }
    return false;
}

// Longer sequences are equally fast, step by step; the last slice of a long one is no new shape.
static size_t steps_class(size_t steps) { return steps < 8 ? steps : 8; }

// The entry of a shape, or the place that was unused longest.
static group_entry *find_entry(oclstm_group *group, const cell_call_size *size, bool *found) {
    group_entry *oldest = &group->entries[0];
    *found = false;
    for (int i = 0; i < GROUP_ENTRIES; i++) {
        group_entry *entry = &group->entries[i];
        *found = entry->used > 0 && entry->batch == size->batch && entry->steps == steps_class(size->steps);
        if (*found)
            return entry;
        oldest = entry->used < oldest->used ? entry : oldest;
    }
    return oldest;
}

// A division that leaves out those that are out, or only moves rows where that gains.
static void divide_again(const oclstm_group *group, group_entry *entry, size_t batch) {
    size_t rows[OCLSTM_GROUP_MOST];
    double speed[OCLSTM_GROUP_MOST];
    bool must = false;
    speed_of_left(group, entry, speed);
    for (size_t i = 0; i < group->count; i++)
        must = must || (entry->rows[i] > 0 && group->workers[i].is_out);
    group_divide(rows, speed, group->count, batch, GROUP_LEAST_ROWS);
    if (!must && !group_is_worth_moving(entry->rows, rows, speed, group->count))
        return;
    memcpy(entry->rows, rows, group->count * sizeof rows[0]);
    entry->is_new = true;
}

group_entry *speed_divide(oclstm_group *group, const group_call *call) {
    bool found = false;
    group_entry *entry = find_entry(group, &call->size, &found);
    entry->used = ++group->calls;
    if (group->is_fixed) {
        double speed[OCLSTM_GROUP_MOST];
        memcpy(entry->speed, group->fixed_speed, sizeof entry->speed);
        speed_of_left(group, entry, speed);
        group_divide(entry->rows, speed, group->count, call->size.batch, GROUP_LEAST_ROWS);
    } else if (found && is_measured(group, entry) && !(entry->spent > measure_again_seconds && has_idle(group, entry))) {
        divide_again(group, entry, call->size.batch);
    } else {
        bool good = false;
        while (!good && group_count_left(group) > 0)
            good = measure(group, call, entry);
        entry->spent = 0.0;
    }
    entry->batch = call->size.batch;
    entry->steps = steps_class(call->size.steps);
    workers_set(group, call, entry->rows, 0, JOB_CALL);
    return entry;
}

void speed_learn(oclstm_group *group, group_entry *entry, const group_call *call) {
    for (size_t i = 0; i < group->count && !group->is_fixed && !entry->is_new; i++) {
        const group_worker *worker = &group->workers[i];
        const double sample = worker->job.seconds > 0.0 ? (double)(worker->job.rows * call->size.steps) / worker->job.seconds : 0.0;
        if (worker->job.rows > 0 && worker->job.rows == entry->rows[i] && worker->job.status == OCLSTM_OK)
            entry->speed[i] = group_mean(entry->speed[i], sample);
    }
    entry->is_new = false;
    double longest = 0.0;
    for (size_t i = 0; i < group->count; i++) {
        const double seconds = group->workers[i].job.rows > 0 ? group->workers[i].job.seconds : 0.0;
        longest = seconds > longest ? seconds : longest;
    }
    entry->spent += longest;
    for (size_t i = 0; i < group->count; i++)
        group->workers[i].speed = entry->speed[i];
}

void group_fix_speeds(oclstm_group *group, const double *speed) {
    group->is_fixed = true;
    memcpy(group->fixed_speed, speed, group->count * sizeof *speed);
}
