// SPDX-License-Identifier: Apache-2.0
// A thread for each device, which waits for jobs. Signals go to the threads of the program.
#include <signal.h>

#include "base/error.h"
#include "group/group_private.h"

static void *work(void *argument) {
    group_worker *worker = argument;
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        while (!worker->is_busy && !worker->is_to_end)
            pthread_cond_wait(&worker->changed, &worker->lock);
        if (worker->is_to_end)
            break;
        pthread_mutex_unlock(&worker->lock);
        share_run(worker);
        pthread_mutex_lock(&worker->lock);
        worker->is_busy = false;
        pthread_cond_broadcast(&worker->changed);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

oclstm_status worker_start(group_worker *worker, oclstm_error *error) {
    sigset_t every, before;
    int code = pthread_mutex_init(&worker->lock, NULL);
    if (code != 0)
        return base_fail_errno(error, OCLSTM_OUT_OF_MEMORY, "pthread_mutex_init", code, "starting the thread of a device");
    code = pthread_cond_init(&worker->changed, NULL);
    if (code != 0) {
        pthread_mutex_destroy(&worker->lock);
        return base_fail_errno(error, OCLSTM_OUT_OF_MEMORY, "pthread_cond_init", code, "starting the thread of a device");
    }
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    code = pthread_create(&worker->thread, NULL, work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    worker->has_thread = code == 0;
    if (code == 0)
        return OCLSTM_OK;
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    return base_fail_errno(error, OCLSTM_OUT_OF_MEMORY, "pthread_create", code, "starting the thread of a device");
}

void worker_end(group_worker *worker) {
    if (!worker->has_thread)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->is_to_end = true;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    worker->has_thread = false;
}

void worker_begin(group_worker *worker) {
    pthread_mutex_lock(&worker->lock);
    worker->is_busy = true;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

void worker_wait(group_worker *worker) {
    pthread_mutex_lock(&worker->lock);
    while (worker->is_busy)
        pthread_cond_wait(&worker->changed, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
}

void workers_set(oclstm_group *group, const group_call *call, const size_t *rows, size_t first, group_job_kind kind) {
    for (size_t i = 0; i < group->count; i++) {
        group_job *job = &group->workers[i].job;
        if (group->workers[i].is_out) { // its error is kept
            job->rows = 0;
            continue;
        }
        job->kind = kind;
        job->call = call;
        job->first = first;
        job->rows = rows[i];
        job->steps = call->size.steps;
        job->seconds = 0.0;
        job->status = OCLSTM_OK;
        first += rows[i];
    }
}

void workers_run(oclstm_group *group) {
    size_t busy = 0, last = 0;
    for (size_t i = 0; i < group->count; i++) {
        if (group->workers[i].job.rows > 0) {
            busy++;
            last = i;
        }
    }
    // The last one runs here: a thread less to wake.
    for (size_t i = 0; i < last; i++) {
        if (group->workers[i].job.rows > 0)
            worker_begin(&group->workers[i]);
    }
    if (busy > 0)
        share_run(&group->workers[last]);
    for (size_t i = 0; i < last; i++) {
        if (group->workers[i].job.rows > 0)
            worker_wait(&group->workers[i]);
    }
}
