// SPDX-License-Identifier: Apache-2.0
// Lets each OpenCL call of each scenario fail in turn, with each error that it may return, once and from then on, and holds the library
// to this: the call that meets the fault says so with the OpenCL call, the code and the device; no object is left over; nothing that was
// enqueued uses the caller's memory any more; afterwards everything works and gives the right numbers. AddressSanitizer, where built
// with it, watches host memory; an alarm ends a hang.
//
//     fault_run [--full] [--verbose] [NAME-PART]
//
// The quick run lets each place of the program that calls OpenCL fail once a scenario, with one of its errors in rotation; the full one every
// call with every error, of slow scenarios every place. Results are TAP.
#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault_run.h"

enum { MOST_MESSAGES = 12, SECONDS_EACH = 120, SLOW_PLACES = 8 };

static const struct {
    const char *name;
    unsigned errors;
    bool on_device;
} calls[] = {
#define TABLE_ROW(name, errors, device) {#name, errors, device == FAULT_ON_DEVICE},
    FAULT_CALLS(TABLE_ROW)
#undef TABLE_ROW
};

static const struct {
    int code;
    const char *name;
} errors[] = {
#define TABLE_ERROR(bit, code, name) {code, name},
    FAULT_ERRORS(TABLE_ERROR)
#undef TABLE_ERROR
};

static const char *const mode_names[FAULT_MODE_COUNT] = {"once", "once, having begun", "from then on", "a lost device"};

// Calls that may fail without a status, and why.
static const struct {
    fault_call call;
    unsigned where; // any of these scenarios; 0: everywhere
    const char *reason;
} survivable[] = {
    {FAULT_CALL_clReleaseDevice, 0, "what cannot be released is the driver's loss; nothing could be done about it"},
    {FAULT_CALL_clReleaseContext, 0, "likewise"},
    {FAULT_CALL_clReleaseCommandQueue, 0, "likewise"},
    {FAULT_CALL_clReleaseMemObject, 0, "likewise"},
    {FAULT_CALL_clReleaseProgram, 0, "likewise"},
    {FAULT_CALL_clReleaseKernel, 0, "likewise"},
    {FAULT_CALL_clReleaseEvent, 0, "likewise"},
    {FAULT_CALL_clGetMemObjectInfo, 0, "how much memory another plan would free: then it counts as none"},
    {FAULT_CALL_clGetPlatformIDs, FAULT_FINDS_DEVICES, "-1001 is an empty list"},
    {FAULT_CALL_clGetPlatformInfo, FAULT_FINDS_DEVICES, "the platform is listed with its reason, or without the fact"},
    {FAULT_CALL_clGetDeviceIDs, FAULT_FINDS_DEVICES, "the platform is listed with its reason; others are still there"},
    {FAULT_CALL_clGetDeviceInfo, FAULT_FINDS_DEVICES, "the device is listed with its reason, or without the fact"},
    {FAULT_CALL_clGetDeviceInfo, FAULT_ASKS_CACHE, "the size of the caches: a common one is taken"},
    {FAULT_CALL_clCreateBuffer, FAULT_BORROWS, "the caller's memory is copied instead"},
    {FAULT_CALL_clCreateKernelsInProgram, FAULT_KEEPS_KERNELS, "the kernels are not kept"},
    {FAULT_CALL_clGetKernelInfo, FAULT_KEEPS_KERNELS, "likewise"},
    {FAULT_CALL_clGetProgramInfo, FAULT_KEEPS_KERNELS, "likewise"},
    {FAULT_CALL_clCreateProgramWithBinary, FAULT_TAKES_KERNELS, "the kernels are built again"},
    {FAULT_CALL_clBuildProgram, FAULT_TAKES_KERNELS, "likewise"},
    {FAULT_CALL_clCreateKernel, FAULT_TAKES_KERNELS, "likewise"},
    {FAULT_CALL_clBuildProgram, FAULT_CHOOSES_ENGINE, "the next engine's kernels may build"},
};

typedef struct run_options {
    bool full, verbose;
    const char *part;
} run_options;

typedef struct fault_case {
    unsigned call; // 0: none
    int error;     // place in errors[]
    fault_mode mode;
} fault_case;

typedef struct fault_tally {
    unsigned calls, places, faults, wrong;
    double results[FAULT_RESULTS];
    size_t result_count;
} fault_tally;

static const fault_control *control;

// --- where a crash or a hang was --------------------------------------------------------------------------------------

static char attempted[256];

// when: "with" a fault, "after" it, or other words where there is none.
static void note_attempt(const fault_scenario *scenario, const char *when, const fault_case *fault) {
    if (fault == NULL)
        snprintf(attempted, sizeof attempted, "%s: %s\n", scenario->name, when);
    else
        snprintf(attempted, sizeof attempted, "%s: %s call %u %s, %s\n", scenario->name, when, fault->call,
                 errors[fault->error].name, mode_names[fault->mode]);
}

static void tell(const char *text) {
    const ssize_t written = write(STDOUT_FILENO, text, strlen(text));
    (void)written;
}

// For the one who reads the log; then the signal does what it does.
static void note_signal(int number) {
    tell(number == SIGALRM ? "# no end: " : "# crash: ");
    tell(attempted);
    signal(number, SIG_DFL);
    raise(number);
}

static void catch_signals(void) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGALRM};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        signal(numbers[i], note_signal);
}

// --- one attempt ------------------------------------------------------------------------------------------------------

static bool may_be_survived(const fault_scene *scene, const fault_case *fault, fault_record record) {
    const unsigned bit = 1U << fault->error;
    if (scene->scenario->allowed & (FAULT_PASSES_OVER | FAULT_HAS_OTHERS))
        return true;
    // CLBlast then has its own parameters, not the tuned ones.
    if (scene->scenario->engine == OCLSTM_ENGINE_CLBLAST &&
        (record.first == FAULT_CALL_clGetCommandQueueInfo || record.first == FAULT_CALL_clGetDeviceInfo))
        return true;
    // Where no engine is asked for and one finds no device memory, or does not build, the next one is tried.
    if (scene->scenario->engine == OCLSTM_ENGINE_AUTO && (bit == FAULT_ALLOCATION || record.first == FAULT_CALL_clBuildProgram ||
                                                          (bit == FAULT_RESOURCES && record.first == FAULT_CALL_clCreateBuffer)))
        return true;
    for (size_t i = 0; i < sizeof survivable / sizeof survivable[0]; i++) {
        if (survivable[i].call == record.first && (survivable[i].where == 0 || (survivable[i].where & scene->scenario->allowed)))
            return true;
    }
    return false;
}

static bool results_agree(const fault_scene *scene, const fault_tally *wanted) {
    if (scene->scenario->allowed & FAULT_HAS_NO_NUMBERS)
        return true;
    if (scene->result_count != wanted->result_count || scene->result_count == 0)
        return false;
    for (size_t i = 0; i < scene->result_count; i++) {
        if (!(fabs(scene->results[i] - wanted->results[i]) <= 1e-5 * (1 + fabs(wanted->results[i]))))
            return false;
    }
    return true;
}

// A device that cannot be used for what it did not tell: no call of this moment, but the code stands in the words.
static const char *judge_finding(const fault_scene *scene, const fault_case *fault, oclstm_status status) {
    const int code = errors[fault->error].code;
    if ((scene->scenario->allowed & FAULT_FINDS_DEVICES) == 0)
        return "the record has no code";
    if (status != OCLSTM_NO_DEVICE && status != OCLSTM_UNSUPPORTED)
        return "the record has neither a code nor the status of a device that cannot be used";
    if (code == CL_DEVICE_NOT_FOUND || code == -1001)
        return "";
    if (status == OCLSTM_UNSUPPORTED) // a limit that the driver does not tell is 0: cannot
        return "";
    return strstr(scene->error.message, errors[fault->error].name) != NULL ? "" : "the message does not name the code";
}

// What is wrong with the record of a failed attempt; "" for nothing.
static const char *judge_record(const fault_scene *scene, const fault_case *fault, fault_record record, oclstm_status status) {
    const oclstm_error *error = &scene->error;
    const char *name = errors[fault->error].name;
    const bool is_clblast = strncmp(error->call, "CLBlast", 7) == 0;
    const bool is_other_call = strcmp(error->call, calls[record.first].name) != 0 && !is_clblast;
    if (record.struck == 0)
        return "it failed without a fault";
    if (error->status != status || error->message[0] == '\0')
        return "the record has another status, or no message";
    if (error->opencl_code == 0) // the device is listed with what failed, and cannot be opened
        return judge_finding(scene, fault, status);
    if (is_clblast && record.first == FAULT_CALL_clBuildProgram && error->opencl_code == CL_INVALID_PROGRAM)
        return status == OCLSTM_BUILD_FAILED ? "" : "the status does not say that CLBlast's kernels do not build";
    if (is_clblast && record.first == FAULT_CALL_clGetMemObjectInfo)
        return ""; // CLBlast takes a buffer that does not tell its size for an invalid one, and has a code of its own for that
    if (error->opencl_code != errors[fault->error].code || strcmp(error->opencl_name, name) != 0)
        return "the record has another code";
    if (is_other_call && record.struck == 1)
        return "the record names another call";
    if (strstr(error->message, name) == NULL)
        return "the message does not name the code";
    if (scene->device != NULL && strcmp(error->device, oclstm_device_get_info(scene->device)->name) != 0)
        return "the record does not name the device";
    return "";
}

static const char *judge_success(const fault_scene *scene, const fault_case *fault, fault_record record,
                                 const fault_tally *wanted) {
    const bool closing = scene->closing_from > 0 && fault->call > scene->closing_from;
    if (record.struck > 0 && !closing && !may_be_survived(scene, fault, record))
        return "a fault went by without a status";
    return results_agree(scene, wanted) ? "" : "it succeeded with other results";
}

static oclstm_status attempt(fault_scene *scene, const fault_case *fault, fault_record *record) {
    const fault_scenario *scenario = scene->scenario;
    memset(&scene->error, 0, sizeof scene->error);
    scene->result_count = 0;
    scene->closing_from = 0;
    if (scenario->before)
        scenario->before(scene);
    alarm(SECONDS_EACH);
    control->watch(fault->call, errors[fault->error].code, fault->mode);
    const oclstm_status status = scenario->run(scene);
    *record = control->stop();
    alarm(0);
    return status;
}

static void complain(fault_tally *tally, const fault_scene *scene, const fault_case *fault, fault_record record,
                     const char *problem) {
    if (tally->wrong++ < MOST_MESSAGES)
        printf("# %s: call %u %s, %s, %s: %s [%s: %s]\n", scene->scenario->name, fault->call,
               record.struck > 0 ? calls[record.first].name : "-", errors[fault->error].name, mode_names[fault->mode], problem,
               oclstm_status_name(scene->error.status), scene->error.message);
}

// An attempt with a fault, then one without: both must be right.
static void try_fault(fault_scene *scene, const fault_case *armed, fault_tally *tally, const run_options *options) {
    static const fault_case none = {0, 0, FAULT_MODE_ONCE};
    const fault_scenario *scenario = scene->scenario;
    const int live_before = control->live_objects();
    const uint64_t held_before = scene->device != NULL ? oclstm_device_get_held_bytes(scene->device) : 0;
    fault_record record = {0}, again = {0};
    if (options->verbose)
        fprintf(stderr, "%s: call %u %s %s\n", scenario->name, armed->call, errors[armed->error].name, mode_names[armed->mode]);
    note_attempt(scenario, "with", armed);
    oclstm_status status = attempt(scene, armed, &record);
    const bool uses_memory = status != OCLSTM_OK && (scenario->allowed & FAULT_LEAVES_WORK) == 0 && control->host_uses() > 0;
    const char *problem = status != OCLSTM_OK ? judge_record(scene, armed, record, status) : "";
    if (*problem == '\0' && scenario->after && !scenario->after(scene, status))
        problem = "afterwards not all is as it should be";
    if (*problem == '\0' && uses_memory)
        problem = "what was enqueued still uses the caller's memory";
    if (*problem == '\0' && status == OCLSTM_OK)
        problem = judge_success(scene, armed, record, tally);
    if (*problem != '\0')
        complain(tally, scene, armed, record, problem);
    tally->faults++;
    note_attempt(scenario, "after", armed);
    status = attempt(scene, &none, &again);
    if (scenario->after && !scenario->after(scene, status))
        complain(tally, scene, armed, record, "without the fault not all is as it should be");
    if (status != OCLSTM_OK)
        complain(tally, scene, armed, record, "without the fault it fails, too");
    else if (!results_agree(scene, tally))
        complain(tally, scene, armed, record, "without the fault it gives other results");
    if (control->live_objects() != live_before && (scenario->allowed & FAULT_BORROWS) == 0) // copies have buffers, which are kept
        complain(tally, scene, armed, record, "the number of OpenCL objects has changed");
    else if (scene->device != NULL && (scenario->allowed & FAULT_BORROWS) == 0 &&
             oclstm_device_get_held_bytes(scene->device) != held_before)
        complain(tally, scene, armed, record, "the memory that the device holds has changed");
}

// --- one scenario -----------------------------------------------------------------------------------------------------

static bool is_slow(const fault_scene *scene) { return (scene->scenario->allowed & FAULT_IS_SLOW) != 0; }

static void try_error(fault_scene *scene, unsigned call, fault_call name, int error, fault_tally *tally,
                      const run_options *options) {
    const int code = errors[error].code;
    fault_case armed = {call, error, FAULT_MODE_ONCE};
    if (is_slow(scene)) { // one mode each, in turn
        armed.mode = tally->faults % 2 == 0 ? FAULT_MODE_ONCE : FAULT_MODE_THEN_ON;
        try_fault(scene, &armed, tally, options);
        return;
    }
    try_fault(scene, &armed, tally, options);
    if (name == FAULT_CALL_clFinish || name == FAULT_CALL_clWaitForEvents || name == FAULT_CALL_clEnqueueReadBuffer ||
        name == FAULT_CALL_clEnqueueWriteBuffer) {
        armed.mode = FAULT_MODE_AFTER;
        try_fault(scene, &armed, tally, options);
    }
    armed.mode = FAULT_MODE_THEN_ON;
    try_fault(scene, &armed, tally, options);
    if (calls[name].on_device && (code == -5 || code == -2)) {
        armed.mode = FAULT_MODE_LOST;
        try_fault(scene, &armed, tally, options);
    }
}

// The errors of a call: all, or the one whose turn it is. A lost device comes with the code of a device that is not available, too.
static void try_call(fault_scene *scene, unsigned call, fault_call name, fault_tally *tally, const run_options *options) {
    static unsigned turn;
    const unsigned possible = calls[name].errors;
    unsigned count = 0;
    for (int error = 0; error < FAULT_ERROR_COUNT; error++)
        count += (possible >> error) & 1;
    const unsigned wanted = turn++ % count;
    for (int error = 0, at = -1; error < FAULT_ERROR_COUNT; error++) {
        if (((possible >> error) & 1) == 0)
            continue;
        at++;
        if (options->full || (unsigned)at == wanted)
            try_error(scene, call, name, error, tally, options);
    }
    if (calls[name].on_device && (possible & FAULT_NOT_AVAILABLE) == 0 && (options->full || (turn % 4 == 0 && !is_slow(scene)))) {
        const fault_case lost = {call, FAULT_PLACE_NOT_AVAILABLE, FAULT_MODE_LOST};
        try_fault(scene, &lost, tally, options);
    }
}

// Was this call made from the same place as an earlier one?
static bool is_repeated(const uint64_t *places, unsigned call) {
    for (unsigned before = 0; before + 1 < call; before++) {
        if (places[before] == places[call - 1])
            return true;
    }
    return false;
}

static void try_calls(fault_scene *scene, fault_tally *tally, const run_options *options) {
    const unsigned count = tally->calls;
    uint64_t *places = calloc(count + 1, sizeof *places);
    fault_call *names = calloc(count + 1, sizeof *names);
    if (places == NULL || names == NULL)
        abort();
    for (unsigned call = 1; call <= count; call++) {
        places[call - 1] = control->place_at(call);
        names[call - 1] = control->name_at(call);
        tally->places += !is_repeated(places, call);
    }
    const unsigned stride = !options->full && is_slow(scene) && tally->places > SLOW_PLACES ? tally->places / SLOW_PLACES : 1;
    for (unsigned call = 1, place = 0; call <= count; call++) {
        const bool is_new = !is_repeated(places, call);
        place += is_new;
        if ((options->full && !is_slow(scene)) || (is_new && place % stride == 0))
            try_call(scene, call, names[call - 1], tally, options);
    }
    free(places);
    free(names);
}

static fault_tally run_scenario(const fault_scenario *scenario, const run_options *options) {
    static const fault_case none = {0, 0, FAULT_MODE_ONCE};
    static fault_scene scene;
    static fault_tally tally;
    fault_record record;
    memset(&scene, 0, sizeof scene);
    memset(&tally, 0, sizeof tally);
    scene.control = control;
    scene.scenario = scenario;
    const int live_before = control->live_objects();
    note_attempt(scenario, "before any fault", NULL);
    oclstm_status status = scenario->begin ? scenario->begin(&scene) : OCLSTM_OK;
    // The first attempt builds what the device keeps; the second is what every other one has to be like.
    for (int i = 0; i < 2 && status == OCLSTM_OK; i++) {
        status = attempt(&scene, &none, &record);
        if (scenario->after && !scenario->after(&scene, status))
            status = OCLSTM_OPENCL;
        tally.calls = record.calls;
        tally.result_count = scene.result_count;
        memcpy(tally.results, scene.results, sizeof scene.results);
    }
    if (status != OCLSTM_OK) {
        tally.wrong++;
        printf("# %s: without any fault: %s\n", scenario->name, scene.error.message);
    } else {
        try_calls(&scene, &tally, options);
    }
    note_attempt(scenario, "at its end", NULL);
    if (scenario->end)
        scenario->end(&scene);
    if (control->live_objects() != live_before && (scenario->allowed & FAULT_KEEPS_PARTS) == 0) {
        tally.wrong++;
        printf("# %s: %d OpenCL objects are left over\n", scenario->name, control->live_objects() - live_before);
    }
    return tally;
}

// --- all of them ------------------------------------------------------------------------------------------------------

// The layer is loaded by the first OpenCL call.
static const fault_control *find_layer(void) {
    const char *path = getenv("OPENCL_LAYERS");
    cl_uint count = 0;
    clGetPlatformIDs(0, NULL, &count);
    void *layer = path != NULL ? dlopen(path, RTLD_NOW | RTLD_NOLOAD) : NULL;
    return layer != NULL && count > 0 ? dlsym(layer, "fault_layer_control") : NULL;
}

int main(int argc, char **argv) {
    const fault_scenario *const lists[] = {fault_device_scenarios,  fault_cell_scenarios,  fault_state_scenarios,
                                           fault_kernel_scenarios,  fault_group_scenarios, fault_search_scenarios,
                                           fault_network_scenarios, fault_train_scenarios};
    run_options options = {.full = getenv("OCLSTM_FAULT_FULL") != NULL};
    unsigned number = 0, failed = 0, sum_calls = 0, sum_faults = 0, sum_places = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--full") == 0)
            options.full = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            options.verbose = true;
        else
            options.part = argv[i];
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    catch_signals();
    control = find_layer();
    if (control == NULL) {
        const char *ci = getenv("CI");
        const bool needed = ci != NULL && ci[0] != '\0';
        puts(needed ? "Bail out! no OpenCL device, or a loader that does not honour OPENCL_LAYERS, and CI is set"
                    : "1..0 # SKIP no OpenCL device, or a loader that does not honour OPENCL_LAYERS");
        return needed;
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const fault_scenario *scenario = lists[i]; scenario->name != NULL; scenario++) {
            if (options.part != NULL && strstr(scenario->name, options.part) == NULL)
                continue;
            const fault_tally tally = run_scenario(scenario, &options);
            printf("# scenario %s: %u calls from %u places, %u faults\n", scenario->name, tally.calls, tally.places, tally.faults);
            printf("%s %u - %s\n", tally.wrong == 0 ? "ok" : "not ok", ++number, scenario->name);
            failed += tally.wrong > 0;
            sum_calls += tally.calls;
            sum_places += tally.places;
            sum_faults += tally.faults;
        }
    }
    printf("# all: %u scenarios, %u calls from %u places, %u faults tried%s\n", number, sum_calls, sum_places, sum_faults,
           options.full ? "" : " (quick)");
    printf("1..%u\n", number);
    return failed > 0 || number == 0;
}
