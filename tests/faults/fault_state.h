// SPDX-License-Identifier: Apache-2.0
// What the layer's wrapped calls tell, and ask, the layer's state.
#ifndef OCLSTM_TESTS_FAULT_STATE_H
#define OCLSTM_TESTS_FAULT_STATE_H

#include "fault_layer.h"
#include "layer_entry.h"

// What a call has to do.
typedef struct fault_verdict {
    bool fails;
    bool acts;   // also when it fails: what a wait waits for has come to its end
    bool begins; // also when it fails: a transfer
    cl_int code;
} fault_verdict;

fault_verdict fault_next(fault_call call);

// An object was made or retained (1), or released (-1).
void fault_note_objects(int change);

// A command that uses host memory was enqueued without waiting; everything on the queue has ended; a buffer over host memory was made, or goes:
// while there is one, every command counts.
void fault_note_host_use(cl_command_queue queue);
void fault_note_command(cl_command_queue queue);
void fault_note_finished(cl_command_queue queue);
void fault_note_host_buffer(cl_mem buffer);
void fault_note_release(cl_mem buffer);

// Reads OCLSTM_FAULT.
void fault_read_environment(void);

#endif
