// SPDX-License-Identifier: Apache-2.0
// The fault layer as a test program sees it. It counts the OpenCL calls that are made while it watches, counts the objects that are held,
// and lets a chosen call fail.
//
// A program in which it is loaded (OPENCL_LAYERS) finds the control as the symbol "fault_layer_control". For a program that knows nothing of it:
//
//     OCLSTM_FAULT=17:-5:once       call 17 of the process fails with -5; "then-on" and "lost" for the other modes
//     OCLSTM_FAULT_REPORT=PATH      written when the process ends: "calls N", "struck NAME" ("-" for none), "live N"
#ifndef OCLSTM_TESTS_FAULT_LAYER_H
#define OCLSTM_TESTS_FAULT_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault_table.h"

typedef enum fault_mode {
    FAULT_MODE_ONCE,    // the call fails and does nothing; a wait does not wait
    FAULT_MODE_AFTER,   // a wait waits, and fails all the same; a transfer begins, but has not ended when the call fails
    FAULT_MODE_THEN_ON, // so does every later call that may return this error. Waits wait: what was enqueued ends
    FAULT_MODE_LOST,    // every call that touches the device fails from then on
    FAULT_MODE_COUNT
} fault_mode;

typedef struct fault_record {
    unsigned calls;   // watched
    unsigned struck;  // calls that were made to fail
    fault_call first; // the first of them
} fault_record;

typedef struct fault_control {
    // Watches calls from here on, counting from 1. call = 0: none fails.
    void (*watch)(unsigned call, int code, fault_mode mode);
    fault_record (*stop)(void);
    unsigned (*count)(void); // calls watched so far

    // Of the calls watched last: which it was, and the place in the program that it was made from, as a hash of the stack.
    fault_call (*name_at)(unsigned call);
    uint64_t (*place_at)(unsigned call);

    int (*live_objects)(void); // created or retained, and not yet released, of all kinds
    int (*host_uses)(void);    // commands enqueued on host memory whose end nobody has waited for
} fault_control;

extern const fault_control fault_layer_control;

#endif
