// SPDX-License-Identifier: Apache-2.0
// Networks: loaded, run over tokens in both directions with rows of their own lengths, run in slices, streamed.
#include <stdio.h>
#include <stdlib.h>

#include <oclstm/network.h>

#include "fault_run.h"
#include "network/network_private.h"

// What a scenario of networks keeps.
typedef struct network_own {
    oclstm_tensors *file;
    oclstm_network *network; // NULL where each attempt loads its own
    size_t slice_bytes;
} network_own;

static oclstm_status load(oclstm_network **network, fault_scene *scene) {
    const network_own *own = scene->own;
    const oclstm_network_params params = {.engine = scene->scenario->engine};
    return oclstm_network_load(network, scene->device, own->file, &params, &scene->error);
}

static oclstm_status begin_file(fault_scene *scene, const char *name) {
    static network_own own;
    char path[1024];
    const char *folder = getenv("OCLSTM_TEST_DATA");
    own = (network_own){.slice_bytes = network_slice_bytes};
    scene->own = &own;
    snprintf(path, sizeof path, "%.900s/%s", folder != NULL ? folder : "tests/data", name);
    oclstm_status status = fault_begin_device(scene);
    if (status == OCLSTM_OK)
        status = oclstm_tensors_open(&own.file, path, &scene->error);
    if (scene->scenario->slice_bytes > 0)
        network_slice_bytes = scene->scenario->slice_bytes;
    return status;
}

static oclstm_status begin_tagger(fault_scene *scene) { return begin_file(scene, "models/torch_tagger.safetensors"); }

static oclstm_status begin_kept_tagger(fault_scene *scene) {
    const oclstm_status status = begin_tagger(scene);
    return status == OCLSTM_OK ? load(&((network_own *)scene->own)->network, scene) : status;
}

static oclstm_status begin_kept_projection(fault_scene *scene) {
    const oclstm_status status = begin_file(scene, "models/torch_lstm_proj.pt");
    return status == OCLSTM_OK ? load(&((network_own *)scene->own)->network, scene) : status;
}

static void end(fault_scene *scene) {
    network_own *own = scene->own;
    oclstm_network_destroy(&own->network);
    oclstm_tensors_close(&own->file);
    network_slice_bytes = own->slice_bytes;
    fault_end(scene);
}

// --- calls --------------------------------------------------------------------------------------------------------------

enum { MOST = 4096 };
static float x[MOST], y[MOST], h[MOST], c[MOST];

static size_t outputs_of(const oclstm_network *network) {
    size_t count;
    const oclstm_layer *layers = oclstm_network_layers(network, &count);
    return (size_t)layers[count - 1].outputs;
}

// Tokens, or features, with lengths and the last state.
static oclstm_status run_batch(fault_scene *scene, oclstm_network *network, int64_t batch) {
    static int tokens[FAULT_STEPS * FAULT_BATCH];
    static const int lengths[FAULT_BATCH] = {FAULT_STEPS, 2, FAULT_STEPS - 1};
    int rank;
    int64_t h_shape[3], c_shape[3];
    for (int i = 0; i < FAULT_STEPS * FAULT_BATCH; i++)
        tokens[i] = i * 7 % 23;
    for (int i = 0; i < MOST; i++)
        x[i] = (float)(i * 7 % 23) / 11 - 1;
    size_t count;
    const oclstm_layer *layers = oclstm_network_layers(network, &count);
    oclstm_network_call call = {.lengths = oclstm_in_1d(lengths, OCLSTM_I32, batch),
                                .y = oclstm_out_3d(y, OCLSTM_F32, FAULT_STEPS, batch, (int64_t)outputs_of(network))};
    if (oclstm_network_takes_tokens(network))
        call.tokens = oclstm_in_2d(tokens, OCLSTM_I32, FAULT_STEPS, batch);
    else
        call.x = oclstm_in_3d(x, OCLSTM_F32, FAULT_STEPS, batch, layers[0].inputs);
    oclstm_status status = oclstm_network_state_shape(network, batch, &rank, h_shape, c_shape, &scene->error);
    call.hn = oclstm_out_3d(h, OCLSTM_F32, h_shape[0], h_shape[1], h_shape[2]);
    call.cn = oclstm_out_3d(c, OCLSTM_F32, c_shape[0], c_shape[1], c_shape[2]);
    if (status == OCLSTM_OK)
        status = oclstm_network_run(network, &call, &scene->error);
    if (status == OCLSTM_OK) {
        fault_keep_results(scene, y, OCLSTM_F32, (size_t)(FAULT_STEPS * batch) * outputs_of(network));
        fault_keep_results(scene, h, OCLSTM_F32, (size_t)(h_shape[0] * h_shape[1] * h_shape[2]));
        fault_keep_results(scene, c, OCLSTM_F32, (size_t)(c_shape[0] * c_shape[1] * c_shape[2]));
    }
    return status;
}

static oclstm_status load_and_run(fault_scene *scene) {
    oclstm_network *network = NULL;
    oclstm_status status = load(&network, scene);
    if (status == OCLSTM_OK)
        status = run_batch(scene, network, FAULT_BATCH);
    scene->closing_from = scene->control->count();
    oclstm_network_destroy(&network);
    return status;
}

// Of two batches in turn, so that each call makes its buffers anew.
static oclstm_status run_twice(fault_scene *scene) {
    oclstm_network *network = ((network_own *)scene->own)->network;
    const oclstm_status status = run_batch(scene, network, FAULT_BATCH);
    return status == OCLSTM_OK ? run_batch(scene, network, FAULT_BATCH - 1) : status;
}

static oclstm_status feed(fault_scene *scene, oclstm_stream *stream, const oclstm_network *network, int64_t steps) {
    size_t count;
    const oclstm_const_array in = oclstm_in_3d(x, OCLSTM_F32, steps, FAULT_BATCH, oclstm_network_layers(network, &count)[0].inputs);
    const oclstm_array out = oclstm_out_3d(y, OCLSTM_F32, steps, FAULT_BATCH, (int64_t)outputs_of(network));
    const oclstm_status status = oclstm_stream_feed(stream, &in, &out, &scene->error);
    if (status == OCLSTM_OK)
        fault_keep_results(scene, y, OCLSTM_F32, (size_t)(steps * FAULT_BATCH) * outputs_of(network));
    return status;
}

static oclstm_status stream(fault_scene *scene) {
    oclstm_network *network = ((network_own *)scene->own)->network;
    oclstm_stream *made = NULL;
    for (int i = 0; i < MOST; i++)
        x[i] = (float)(i * 5 % 19) / 9 - 1;
    oclstm_status status = oclstm_stream_create(&made, network, FAULT_BATCH, &scene->error);
    if (status == OCLSTM_OK)
        status = feed(scene, made, network, 2);
    if (status == OCLSTM_OK)
        status = feed(scene, made, network, 1);
    if (status == OCLSTM_OK)
        status = oclstm_stream_reset(made, &scene->error);
    if (status == OCLSTM_OK)
        status = feed(scene, made, network, 2);
    scene->closing_from = scene->control->count();
    oclstm_stream_destroy(&made);
    return status;
}

const fault_scenario fault_network_scenarios[] = {
    {.name = "network, loaded and run", .run = load_and_run, .begin = begin_tagger, .end = end, .engine = OCLSTM_ENGINE_PORTABLE},
    {.name = "network, fused", .run = run_twice, .begin = begin_kept_tagger, .end = end, .engine = OCLSTM_ENGINE_FUSED},
    {.name = "network with projection, in slices",
     .run = run_twice,
     .begin = begin_kept_projection,
     .end = end,
     .engine = OCLSTM_ENGINE_PORTABLE,
     .slice_bytes = 1},
    {.name = "network, stream", .run = stream, .begin = begin_kept_projection, .end = end, .engine = OCLSTM_ENGINE_PORTABLE},
    {0},
};
