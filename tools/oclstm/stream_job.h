// SPDX-License-Identifier: Apache-2.0
// What `oclstm stream` holds while it works: cmd_stream.c orders the parts, each other stream_*.c does one of them.
#ifndef OCLSTM_TOOL_STREAM_JOB_H
#define OCLSTM_TOOL_STREAM_JOB_H

#include <stddef.h>

#include "options.h"
#include "stream_latency.h"

// How reading or writing ended.
typedef enum stream_end {
    STREAM_WHOLE,  // not: all bytes are there
    STREAM_INPUT,  // standard input ended
    STREAM_SIGNAL, // one was caught
    STREAM_READER, // nobody reads standard output any more
    STREAM_FAILED  // already said
} stream_end;

// The array that --format npy reads: what its header says.
typedef struct stream_header {
    oclstm_dtype dtype;
    int rank; // [steps], [steps][batch] of tokens; [steps][features], [steps][batch][features]
    int64_t shape[3];
} stream_header;

typedef struct stream_job {
    const cli_options *options;
    oclstm_tensors *model;
    char cell[300];   // the layers' list where a cell was chosen
    const char *list; // what oclstm_network_params.layers gets
    oclstm_layer *layers;
    size_t count;
    bool tokens;
    stream_header header; // of npy
    int64_t header_at;    // where the one that is written lies in standard output; -1: it cannot be completed
    oclstm_device *device;
    oclstm_network *network;
    oclstm_stream *stream;
    oclstm_dtype frame_dtype;       // of a frame as it arrives
    oclstm_dtype dtype;             // of x, unless tokens, and of y
    int64_t batch, inputs, outputs; // inputs: 1 for tokens
    void *frame, *x, *y;            // x: the frame itself where nothing is to be converted
    char *text;                     // a line of --text
    size_t frame_bytes, y_bytes;
    uint64_t done;     // frames whose result is written
    double begin, end; // of the first frame, and of the last result
    latency_counts latency;
} stream_job;

// Each returns an exit code and has said on standard error why it is not EXIT_DONE.
int stream_choose_layers(stream_job *job); // from the model and the options, without a device
int stream_load(stream_job *job);          // device, network, memory for a frame, warm-up
int stream_frames(stream_job *job);        // until one of its ends; EXIT_DONE for those that are no fault

// Frees what stream_load() made.
void stream_unload(stream_job *job);

// The header of standard input, read to its end and against the layers. EXIT_DONE, else an exit code.
int stream_header_read(stream_job *job);
// Writes that of standard output, for as many steps as the input announces.
stream_end stream_header_write(stream_job *job);
// Where standard output is a file: puts the number of frames into it.
int stream_header_complete(stream_job *job);

// Reads or writes all bytes, waiting. What was read is in *got.
stream_end stream_read(void *dst, size_t bytes, size_t *got);
stream_end stream_write(const void *src, size_t bytes);

#endif
