// SPDX-License-Identifier: Apache-2.0
// `oclstm run` of a whole network: several layers, both directions, tokens, lengths. A single cell goes through run_job.h.
#ifndef OCLSTM_TOOL_NETWORK_JOB_H
#define OCLSTM_TOOL_NETWORK_JOB_H

#include "options.h"
#include "run_job.h"
#include "run_plot.h"
#include "run_source.h"

// What x and the network agree on.
typedef struct network_sizes {
    bool tokens; // x is tokens
    bool batched;
    bool batch_first;
    bool whole; // all steps at once: a backward direction, or lengths
    int64_t steps, batch;
    int64_t future;          // steps behind those of x, whose inputs are the outputs before
    int64_t inputs, outputs; // features of a step; 1 for tokens
    oclstm_dtype dtype;      // of x unless tokens, and of all results
    int state_rank;          // 0: the network's state fits no array
    int64_t h_shape[3], c_shape[3];
} network_sizes;

typedef struct network_job {
    const cli_options *options;
    const oclstm_tensors *model;
    const oclstm_layer *layers;
    size_t count;
    run_source x, h0, c0, lengths;
    network_sizes sizes;
    run_outputs outputs;
    run_plot *plot; // NULL: none
    oclstm_device *device;
    oclstm_network *network;
    oclstm_stream *stream; // carries the state from slice to slice where it is neither given nor wanted
    void *h, *c;           // host: it, where it is
    double load_seconds, run_seconds;
} network_job;

// Does the file, with these options, describe more than a cell? Gives its layers then, allocated; EXIT_DONE and no layers for a cell.
int network_wanted(const oclstm_tensors *model, const cli_options *options, oclstm_layer **layers, size_t *count);

// Runs it: from -i to -o, --hn, --cn. An exit code, the fault already said.
int network_run(const cli_options *options, const oclstm_tensors *model, const oclstm_layer *layers, size_t count);

// The parts of network_run(), in order.
int network_sizes_decide(network_job *job); // what can be wrong without a device
int network_load(network_job *job);
int network_state_begin(network_job *job); // reads h0 and c0, once the state's shape is known
int network_slices(network_job *job);

// "embedding embed (60 -> 24), lstm lstm (24 -> 80, 2 layers, both directions)".
void network_text(char *text, size_t capacity, const oclstm_layer *layers, size_t count);

// Says on standard error, a line for each, which engine runs each recurrent layer and why.
void network_say_engines(const oclstm_network *network, int64_t batch, int64_t steps);

#endif
