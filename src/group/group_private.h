// SPDX-License-Identifier: Apache-2.0
// A group as the files of this folder see it. group_apply.c is a call from beginning to end, group_speed.c who gets which rows, group_share.c one
// device's rows, group_worker.c the threads.
#ifndef OCLSTM_GROUP_GROUP_PRIVATE_H
#define OCLSTM_GROUP_GROUP_PRIVATE_H

#include <pthread.h>

#include <oclstm/group.h>

#include "cell/cell_share.h"
#include "device/device.h"

// A checked call of the whole batch.
typedef struct group_call {
    const oclstm_sequence *arrays; // the caller's; a step's have no y
    bool is_step;
    cell_call_size size;
    size_t element_bytes; // of the caller's arrays
    size_t input, hidden;
    char *h_out, *c_out; // the group's own [batch][hidden], where the state after is put together; NULL where nobody asks
} group_call;

// The results of a first run and of a trial are dropped.
typedef enum group_job_kind { JOB_CALL, JOB_FIRST, JOB_TRIAL } group_job_kind;

// One device's part of a call.
typedef struct group_job {
    group_job_kind kind;
    const group_call *call;
    size_t first, rows;
    size_t steps;         // of the call's; fewer for a trial
    double seconds;       // out: of one run
    oclstm_status status; // out
    oclstm_error error;
} group_job;

// Memory of a worker that grows with need.
typedef struct group_scratch {
    char *data;
    size_t bytes;
} group_scratch;

enum { SCRATCH_X, SCRATCH_Y, SCRATCH_H, SCRATCH_C, SCRATCH_COUNT };

typedef struct group_worker {
    oclstm_cell *cell;
    oclstm_device *device; // held
    unsigned whole_units;  // see cell_share.h
    group_scratch scratch[SCRATCH_COUNT];

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_busy, is_to_end; // guarded by lock
    group_job job;           // of whoever holds the worker: its thread while busy, else the caller

    bool is_out;
    char reason[1024];  // why it is out
    char warning[1400]; // not yet handed out; empty = none
    size_t rows;        // of the last call
    double seconds, speed;
} group_worker;

// What is known of a shape.
typedef struct group_entry {
    size_t batch, steps;             // steps: what speeds depend on, see steps_class()
    uint64_t used;                   // the call that used it last; 0: the place is free
    double speed[OCLSTM_GROUP_MOST]; // rows x steps a second, 0 where not known
    size_t rows[OCLSTM_GROUP_MOST];  // the division in use
    double spent;                    // seconds of calls since it was measured
    bool is_new;                     // the next call makes plans for it: not to be measured
} group_entry;

enum { GROUP_ENTRIES = 8 };

struct oclstm_group {
    size_t count;
    group_worker *workers;
    group_entry entries[GROUP_ENTRIES];
    uint64_t calls;
    group_scratch h_out, c_out;
    bool is_fixed; // for tests: speeds that are not measured
    double fixed_speed[OCLSTM_GROUP_MOST];
};

// --- group_worker.c -----------------------------------------------------------------------------------------------------

// Starts the worker's thread. worker->cell and device are in place.
oclstm_status worker_start(group_worker *worker, oclstm_error *error);
void worker_end(group_worker *worker);

// Lets it do worker->job. Between begin and wait only its thread touches the job.
void worker_begin(group_worker *worker);
void worker_wait(group_worker *worker);

// Gives each worker its rows, one after the other from row `first` on.
void workers_set(oclstm_group *group, const group_call *call, const size_t *rows, size_t first, group_job_kind kind);

// Does every worker's job whose rows are not 0, at the same time; one alone in the calling thread.
void workers_run(oclstm_group *group);

// --- group_share.c ------------------------------------------------------------------------------------------------------

// Does a job: job->status, error and seconds say what came of it.
void share_run(group_worker *worker);

// At least this many bytes; false without memory.
bool scratch_need(group_scratch *scratch, size_t bytes);

// --- group_speed.c ------------------------------------------------------------------------------------------------------

// The division to use for a call, measured where the shape is new. A device that fails a trial is taken out. The entry stays valid until the next
// call.
group_entry *speed_divide(oclstm_group *group, const group_call *call);

// Speeds of the devices that are left; the others take no part.
void speed_of_left(const oclstm_group *group, const group_entry *entry, double *speed);

// Takes in what the jobs of a call took.
void speed_learn(oclstm_group *group, group_entry *entry, const group_call *call);

// For tests: these speeds instead of measured ones.
void group_fix_speeds(oclstm_group *group, const double *speed);

// --- group_report.c -----------------------------------------------------------------------------------------------------

// Takes a device out; its warning says what its job's error says.
void report_failure(oclstm_group *group, size_t index);

// Adds to the warning of a failed device who did how many of its rows.
void report_successor(oclstm_group *group, size_t failed, size_t index, size_t rows);

// The error of a group without devices: each and what happened to it.
oclstm_status report_none_left(const oclstm_group *group, oclstm_status status, oclstm_error *error);

size_t group_count_left(const oclstm_group *group);

#endif
