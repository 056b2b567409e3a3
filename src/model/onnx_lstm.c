// SPDX-License-Identifier: Apache-2.0
#include "model/onnx_lstm.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/name_text.h"

typedef struct node_reader {
    onnx_lstm *out;
    const oclstm_tensors *file;
    const Oclstm__OnnxGraph *graph;
    const Oclstm__OnnxNode *node;
    oclstm_error *error;
} node_reader;

#define NODE_FORMAT  "'%s': the LSTM node '%s': "
#define NODE_ARGS(r) (r)->file->path, name_to_text((r)->out->name).text

static oclstm_status refuse(const node_reader *r, const char *what, const char *value) {
    return base_fail(r->error, OCLSTM_UNSUPPORTED, NODE_FORMAT "%s '%s' is not supported", NODE_ARGS(r), what,
                     name_to_text(value).text);
}

// --- inputs -------------------------------------------------------------------------------------------------------------

static const char *input_name(const node_reader *r, size_t at) {
    return at < r->node->n_input && r->node->input[at] != NULL ? r->node->input[at] : "";
}

static const Oclstm__OnnxTensor *find_tensor(const node_reader *r, const char *name) {
    for (size_t i = 0; i < r->graph->n_initializer; i++) {
        const Oclstm__OnnxTensor *tensor = r->graph->initializer[i];
        if (tensor->name != NULL && strcmp(tensor->name, name) == 0)
            return tensor;
    }
    // Exporters also write weights as nodes of type Constant.
    for (size_t i = 0; i < r->graph->n_node; i++) {
        const Oclstm__OnnxNode *node = r->graph->node[i];
        if (node->op_type == NULL || strcmp(node->op_type, "Constant") != 0 || node->n_output != 1 ||
            strcmp(node->output[0], name) != 0)
            continue;
        for (size_t k = 0; k < node->n_attribute; k++) {
            if (node->attribute[k]->name != NULL && strcmp(node->attribute[k]->name, "value") == 0)
                return node->attribute[k]->t;
        }
    }
    return NULL;
}

// A weight has to be in the file; a state may come from the caller.
static oclstm_status find_input(const node_reader *r, size_t at, const char *what, bool is_weight, bool required,
                                const Oclstm__OnnxTensor **out) {
    const char *name = input_name(r, at);
    *out = name[0] != '\0' ? find_tensor(r, name) : NULL;
    if (*out != NULL || (name[0] == '\0' && !required) || (name[0] != '\0' && !is_weight))
        return OCLSTM_OK;
    return base_fail(r->error, OCLSTM_FORMAT,
                     NODE_FORMAT "its input %s ('%s') is no initializer of the model; weights must be in the file", NODE_ARGS(r),
                     what, name_to_text(name).text);
}

static oclstm_status check_shape(const node_reader *r, const Oclstm__OnnxTensor *tensor, const char *what, size_t rank,
                                 const int64_t *shape) {
    bool fits = tensor == NULL || tensor->n_dims == rank;
    for (size_t axis = 0; fits && tensor != NULL && axis < rank; axis++)
        fits = shape[axis] < 0 || tensor->dims[axis] == shape[axis];
    if (fits)
        return OCLSTM_OK;
    char found[160] = "", wanted[160] = "";
    for (size_t axis = 0; axis < tensor->n_dims && axis < 6; axis++)
        base_append(found, sizeof found, "[%" PRId64 "]", tensor->dims[axis]);
    for (size_t axis = 0; axis < rank; axis++) {
        if (shape[axis] < 0)
            base_append(wanted, sizeof wanted, "[any]");
        else
            base_append(wanted, sizeof wanted, "[%" PRId64 "]", shape[axis]);
    }
    return base_fail(r->error, OCLSTM_FORMAT, NODE_FORMAT "its input %s has the shape %s, expected %s", NODE_ARGS(r), what, found,
                     wanted);
}

static oclstm_status read_inputs(node_reader *r) {
    onnx_lstm *out = r->out;
    oclstm_status status = find_input(r, 1, "W", true, true, &out->w);
    if (status == OCLSTM_OK)
        status = find_input(r, 2, "R", true, true, &out->r);
    if (status == OCLSTM_OK)
        status = find_input(r, 3, "B", true, false, &out->b);
    if (status == OCLSTM_OK)
        status = find_input(r, 5, "initial_h", false, false, &out->initial_h);
    if (status == OCLSTM_OK)
        status = find_input(r, 6, "initial_c", false, false, &out->initial_c);
    if (status == OCLSTM_OK)
        status = find_input(r, 7, "P", true, false, &out->p);
    if (status != OCLSTM_OK)
        return status;
    out->has_lengths = input_name(r, 4)[0] != '\0';
    const int64_t w_shape[] = {out->directions, -1, -1};
    status = check_shape(r, out->w, "W", 3, w_shape);
    if (status != OCLSTM_OK)
        return status;
    const int64_t gates = out->w->dims[1];
    if (out->hidden == 0)
        out->hidden = gates / 4;
    out->input = out->w->dims[2];
    if (out->hidden < 1 || out->hidden > INT32_MAX || gates != 4 * out->hidden || out->input < 1 || out->input > INT32_MAX)
        return base_fail(r->error, OCLSTM_FORMAT,
                         NODE_FORMAT "W has %" PRId64 " rows of %" PRId64 " inputs for hidden_size %" PRId64
                                     ", expected 4 x hidden_size, and neither size beyond %" PRId32,
                         NODE_ARGS(r), gates, out->input, out->hidden, INT32_MAX);
    const int64_t directions = out->directions, hidden = out->hidden;
    const struct {
        const Oclstm__OnnxTensor *tensor;
        const char *what;
        size_t rank;
        int64_t shape[3];
    } checks[] = {{out->r, "R", 3, {directions, gates, hidden}},
                  {out->b, "B", 2, {directions, 2 * gates}},
                  {out->initial_h, "initial_h", 3, {-1, -1, hidden}},
                  {out->initial_c, "initial_c", 3, {-1, -1, hidden}},
                  {out->p, "P", 2, {directions, 3 * hidden}}};
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && status == OCLSTM_OK; i++)
        status = check_shape(r, checks[i].tensor, checks[i].what, checks[i].rank, checks[i].shape);
    return status;
}

// --- attributes ---------------------------------------------------------------------------------------------------------

static void copy_text(char *dst, size_t capacity, const ProtobufCBinaryData *text) {
    snprintf(dst, capacity, "%.*s", (int)(text->len < capacity ? text->len : capacity),
             text->data != NULL ? (const char *)text->data : "");
}

static oclstm_status read_direction(node_reader *r, const Oclstm__OnnxAttribute *attribute) {
    char text[32];
    copy_text(text, sizeof text, &attribute->s);
    r->out->traits.reverse = strcmp(text, "reverse") == 0;
    r->out->directions = strcmp(text, "bidirectional") == 0 ? 2 : 1;
    if (!r->out->traits.reverse && r->out->directions == 1 && strcmp(text, "forward") != 0)
        return refuse(r, "direction", text);
    return OCLSTM_OK;
}

static bool takes_alpha(int function) {
    return function == LSTM_ACTIVATION_HARD_SIGMOID || function == LSTM_ACTIVATION_AFFINE ||
           function == LSTM_ACTIVATION_LEAKY_RELU || function == LSTM_ACTIVATION_THRESHOLDED_RELU ||
           function == LSTM_ACTIVATION_SCALED_TANH || function == LSTM_ACTIVATION_ELU;
}

static bool takes_beta(int function) {
    return function == LSTM_ACTIVATION_HARD_SIGMOID || function == LSTM_ACTIVATION_AFFINE ||
           function == LSTM_ACTIVATION_SCALED_TANH;
}

// Values are used up in the order of the activations that take one.
static oclstm_status read_activations(node_reader *r, const Oclstm__OnnxAttribute *names, const Oclstm__OnnxAttribute *alphas,
                                      const Oclstm__OnnxAttribute *betas) {
    const size_t count = 3 * (size_t)r->out->directions;
    size_t next_alpha = 0, next_beta = 0;
    if (names->n_strings != count)
        return base_fail(r->error, OCLSTM_FORMAT, NODE_FORMAT "%zu activations, expected %zu", NODE_ARGS(r), names->n_strings,
                         count);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        recurrent_activation *activation = &r->out->traits.activations[i / 3][i % 3];
        copy_text(name, sizeof name, &names->strings[i]);
        if (!recurrent_activation_find(activation, name))
            return refuse(r, "activation", name);
        if (alphas != NULL && takes_alpha(activation->function) && next_alpha < alphas->n_floats)
            activation->alpha = (double)alphas->floats[next_alpha++];
        if (betas != NULL && takes_beta(activation->function) && next_beta < betas->n_floats)
            activation->beta = (double)betas->floats[next_beta++];
        if (!isfinite(activation->alpha) || !isfinite(activation->beta))
            return refuse(r, "an infinite alpha or beta of", name);
    }
    return OCLSTM_OK;
}

static oclstm_status read_number(node_reader *r, const char *name, const Oclstm__OnnxAttribute *attribute) {
    char text[48];
    recurrent_traits *traits = &r->out->traits;
    snprintf(text, sizeof text, "%" PRId64, attribute->i);
    if (strcmp(name, "hidden_size") == 0) {
        r->out->hidden = attribute->i;
        return attribute->i > 0 ? OCLSTM_OK : refuse(r, name, text);
    }
    if (strcmp(name, "clip") == 0) {
        snprintf(text, sizeof text, "%g", (double)attribute->f);
        traits->has_clip = true;
        traits->clip = (double)attribute->f;
        return traits->clip > 0 && isfinite(traits->clip) ? OCLSTM_OK : refuse(r, name, text);
    }
    if (strcmp(name, "input_forget") != 0 && strcmp(name, "layout") != 0)
        return refuse(r, "the attribute", name);
    if (attribute->i != 0 && attribute->i != 1)
        return refuse(r, name, text);
    if (strcmp(name, "layout") == 0)
        traits->layout = (int)attribute->i;
    else
        traits->input_forget = attribute->i == 1;
    return OCLSTM_OK;
}

static oclstm_status read_attributes(node_reader *r) {
    const Oclstm__OnnxAttribute *names = NULL, *alphas = NULL, *betas = NULL;
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < r->node->n_attribute && status == OCLSTM_OK; i++) {
        const Oclstm__OnnxAttribute *attribute = r->node->attribute[i];
        const char *name = attribute->name != NULL ? attribute->name : "";
        if (strcmp(name, "activations") == 0)
            names = attribute;
        else if (strcmp(name, "activation_alpha") == 0)
            alphas = attribute;
        else if (strcmp(name, "activation_beta") == 0)
            betas = attribute;
        else
            status = strcmp(name, "direction") == 0 ? read_direction(r, attribute) : read_number(r, name, attribute);
    }
    if (status == OCLSTM_OK && names != NULL)
        status = read_activations(r, names, alphas, betas);
    return status;
}

static void read_name(onnx_lstm *out, const Oclstm__OnnxNode *node, size_t count) {
    const char *name = node->name != NULL && node->name[0] != '\0' ? node->name : node->n_output > 0 ? node->output[0] : "";
    base_copy_string(out->name, sizeof out->name, name);
    for (char *at = out->name; *at != '\0'; at++) {
        if (*at == ',' || *at == '/') // separators of layer lists and of exporters' scopes
            *at = '_';
    }
    if (out->name[0] == '\0')
        snprintf(out->name, sizeof out->name, count == 0 ? "lstm" : "lstm%zu", count + 1);
}

oclstm_status onnx_lstm_parse(onnx_lstm *out, const oclstm_tensors *file, const Oclstm__OnnxGraph *graph,
                              const Oclstm__OnnxNode *node, size_t count, oclstm_error *error) {
    *out = (onnx_lstm){.directions = 1, .traits = recurrent_traits_plain()};
    node_reader r = {out, file, graph, node, error};
    read_name(out, node, count);
    oclstm_status status = read_attributes(&r);
    return status == OCLSTM_OK ? read_inputs(&r) : status;
}
