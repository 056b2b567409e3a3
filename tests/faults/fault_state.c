// SPDX-License-Identifier: Apache-2.0
// The fault layer's state: counts, the fault that is armed, objects, and work that nobody has waited for.
#include "fault_state.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY = 1 << 16, STACK_DEPTH = 16, QUEUES = 64, HOST_BUFFERS = 64 };

static const struct {
    const char *name;
    unsigned errors;
    int on_device;
} calls[] = {
#define TABLE_ROW(name, errors, device) {#name, errors, device},
    FAULT_CALLS(TABLE_ROW)
#undef TABLE_ROW
};

static const int codes[] = {
#define TABLE_CODE(bit, code, name) code,
    FAULT_ERRORS(TABLE_CODE)
#undef TABLE_CODE
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool watching;
static unsigned armed_call; // 0: none
static int armed_code;
static fault_mode armed_mode;
static fault_record record;
static unsigned char name_history[HISTORY];
static uint64_t place_history[HISTORY];
static int live_objects;
static struct {
    cl_command_queue queue;
    int uses;
} queues[QUEUES];
static cl_mem host_buffers[HOST_BUFFERS];

static bool may_return(fault_call call, int code) {
    for (int place = 0; place < FAULT_ERROR_COUNT; place++) {
        if (codes[place] == code)
            return (calls[call].errors & (1U << place)) != 0;
    }
    return false;
}

// FNV-1a over the return addresses: the same place of the program has the same hash in one process.
static uint64_t hash_stack(void) {
    void *frames[STACK_DEPTH];
    const int count = backtrace(frames, STACK_DEPTH);
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < count; i++)
        hash = (hash ^ (uint64_t)(uintptr_t)frames[i]) * 0x100000001b3u;
    return hash;
}

// Under the lock, with record.calls counted.
static fault_verdict judge(fault_call call) {
    fault_verdict verdict = {false, true, false, armed_code};
    if (armed_call == 0 || record.calls < armed_call)
        return verdict;
    if (record.calls == armed_call) {
        verdict.fails = true;
        verdict.acts = armed_mode != FAULT_MODE_ONCE;
        verdict.begins = armed_mode == FAULT_MODE_AFTER;
        record.first = call;
    } else if (armed_mode == FAULT_MODE_THEN_ON) {
        verdict.fails = may_return(call, armed_code);
    } else if (armed_mode == FAULT_MODE_LOST) {
        verdict.fails = calls[call].on_device == FAULT_ON_DEVICE;
        verdict.code = call == FAULT_CALL_clWaitForEvents ? CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST : armed_code;
    }
    record.struck += verdict.fails;
    return verdict;
}

fault_verdict fault_next(fault_call call) {
    fault_verdict verdict = {false, true, false, CL_SUCCESS};
    pthread_mutex_lock(&lock);
    if (watching) {
        if (record.calls < HISTORY) {
            name_history[record.calls] = (unsigned char)call;
            place_history[record.calls] = armed_call == 0 ? hash_stack() : 0;
        }
        record.calls++;
        verdict = judge(call);
    }
    pthread_mutex_unlock(&lock);
    return verdict;
}

void fault_note_objects(int change) {
    pthread_mutex_lock(&lock);
    live_objects += change;
    pthread_mutex_unlock(&lock);
}

// --- host memory in use -----------------------------------------------------------------------------------------------

// The queue's place, or that of an unused one; more queues than places share the last.
static int place_of(cl_command_queue queue) {
    int place = 0;
    while (place < QUEUES - 1 && queues[place].queue != NULL && queues[place].queue != queue)
        place++;
    queues[place].queue = queue;
    return place;
}

void fault_note_host_use(cl_command_queue queue) {
    pthread_mutex_lock(&lock);
    queues[place_of(queue)].uses++;
    pthread_mutex_unlock(&lock);
}

void fault_note_command(cl_command_queue queue) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < HOST_BUFFERS; i++) {
        if (host_buffers[i] != NULL) {
            queues[place_of(queue)].uses++;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

void fault_note_finished(cl_command_queue queue) {
    pthread_mutex_lock(&lock);
    queues[place_of(queue)].uses = 0;
    pthread_mutex_unlock(&lock);
}

static void replace_host_buffer(cl_mem from, cl_mem to) {
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < HOST_BUFFERS && host_buffers[i] != from)
        i++;
    if (i < HOST_BUFFERS)
        host_buffers[i] = to;
    pthread_mutex_unlock(&lock);
}

void fault_note_host_buffer(cl_mem buffer) { replace_host_buffer(NULL, buffer); }
void fault_note_release(cl_mem buffer) { replace_host_buffer(buffer, NULL); }

// --- control ----------------------------------------------------------------------------------------------------------

static void watch(unsigned call, int code, fault_mode mode) {
    pthread_mutex_lock(&lock);
    armed_call = call;
    armed_code = code;
    armed_mode = mode;
    memset(&record, 0, sizeof record);
    watching = true;
    pthread_mutex_unlock(&lock);
}

static fault_record stop(void) {
    pthread_mutex_lock(&lock);
    watching = false;
    armed_call = 0;
    const fault_record result = record;
    pthread_mutex_unlock(&lock);
    return result;
}

static unsigned count(void) {
    pthread_mutex_lock(&lock);
    const unsigned result = record.calls;
    pthread_mutex_unlock(&lock);
    return result;
}

static fault_call name_at(unsigned call) { return (fault_call)name_history[(call - 1) % HISTORY]; }
static uint64_t place_at(unsigned call) { return place_history[(call - 1) % HISTORY]; }
static int get_live_objects(void) { return live_objects; }

static int host_uses(void) {
    int sum = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < QUEUES; i++)
        sum += queues[i].uses;
    pthread_mutex_unlock(&lock);
    return sum;
}

__attribute__((visibility("default")))
const fault_control fault_layer_control = {watch, stop, count, name_at, place_at, get_live_objects, host_uses};

// --- programs that know nothing of the layer --------------------------------------------------------------------------

static void write_report(void) {
    FILE *file = fopen(getenv("OCLSTM_FAULT_REPORT"), "w");
    if (file == NULL)
        return;
    fprintf(file, "calls %u\nstruck %s\nlive %d\n", record.calls, record.struck > 0 ? calls[record.first].name : "-", live_objects);
    fclose(file);
}

void fault_read_environment(void) {
    static const char *const modes[FAULT_MODE_COUNT] = {"once", "after", "then-on", "lost"};
    const char *text = getenv("OCLSTM_FAULT");
    unsigned call = 0;
    int code = 0;
    char mode_name[16] = "";
    fault_mode mode = FAULT_MODE_ONCE;
    if (getenv("OCLSTM_FAULT_REPORT") != NULL)
        atexit(write_report);
    else if (text == NULL)
        return;
    if (text != NULL && sscanf(text, "%u:%d:%15s", &call, &code, mode_name) != 3) {
        fprintf(stderr, "fault layer: OCLSTM_FAULT is \"%s\", expected CALL:CODE:MODE\n", text);
        abort();
    }
    while (mode < FAULT_MODE_COUNT && strcmp(mode_name, modes[mode]) != 0)
        mode++;
    watch(call, code, mode < FAULT_MODE_COUNT ? mode : FAULT_MODE_ONCE);
}
