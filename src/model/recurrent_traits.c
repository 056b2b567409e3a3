// SPDX-License-Identifier: Apache-2.0
#include "model/recurrent_traits.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "model/name_text.h"

typedef struct known_activation {
    const char *name;
    recurrent_activation defaults;
} known_activation;

static const known_activation known[] = {
    {"Sigmoid", {LSTM_ACTIVATION_SIGMOID, 0, 0}},
    {"Tanh", {LSTM_ACTIVATION_TANH, 0, 0}},
    {"Relu", {LSTM_ACTIVATION_RELU, 0, 0}},
    {"HardSigmoid", {LSTM_ACTIVATION_HARD_SIGMOID, 0.2, 0.5}},
    {"Affine", {LSTM_ACTIVATION_AFFINE, 1.0, 0.0}},
    {"LeakyRelu", {LSTM_ACTIVATION_LEAKY_RELU, 0.01, 0}},
    {"ThresholdedRelu", {LSTM_ACTIVATION_THRESHOLDED_RELU, 1.0, 0}},
    {"ScaledTanh", {LSTM_ACTIVATION_SCALED_TANH, 1.0, 1.0}},
    {"Elu", {LSTM_ACTIVATION_ELU, 1.0, 0}},
    {"Softsign", {LSTM_ACTIVATION_SOFTSIGN, 0, 0}},
    {"Softplus", {LSTM_ACTIVATION_SOFTPLUS, 0, 0}},
};
enum { KNOWN = sizeof known / sizeof known[0] };

static const recurrent_activation plain[3] = {
    {LSTM_ACTIVATION_SIGMOID, 0, 0}, {LSTM_ACTIVATION_TANH, 0, 0}, {LSTM_ACTIVATION_TANH, 0, 0}};

recurrent_traits recurrent_traits_plain(void) {
    recurrent_traits traits = {.clip = 0};
    for (int direction = 0; direction < 2; direction++)
        memcpy(traits.activations[direction], plain, sizeof plain);
    return traits;
}

bool recurrent_traits_are_plain(const recurrent_traits *traits, int direction) {
    for (int i = 0; i < 3; i++) {
        if (traits->activations[direction][i].function != plain[i].function)
            return false;
    }
    return !traits->has_clip && !traits->input_forget;
}

bool recurrent_activation_find(recurrent_activation *out, const char *name) {
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcasecmp(known[i].name, name) == 0) {
            *out = known[i].defaults;
            return true;
        }
    }
    return false;
}

// --- metadata -----------------------------------------------------------------------------------------------------------

static const char *find_value(const oclstm_tensors *file, const char *layer, const char *what) {
    char key[320];
    snprintf(key, sizeof key, "%s.%s", layer, what);
    return oclstm_tensors_metadata(file, key);
}

static oclstm_status fail_value(const oclstm_tensors *file, const char *layer, const char *what, const char *value,
                                oclstm_error *error) {
    return base_fail(error, OCLSTM_FORMAT, "'%s': the metadata entry '%s.%s' is '%s', which is not understood",
                     oclstm_tensors_path(file), name_to_text(layer).text, what, name_to_text(value).text);
}

// "HardSigmoid(0.2,0.5)", up to the next ',' outside the brackets, ';' or the end. Returns where it ends, NULL when it is none.
static const char *read_activation(const char *text, recurrent_activation *out) {
    char name[32] = "", *end;
    const size_t length = strcspn(text, "(,;");
    if (length == 0 || length >= sizeof name)
        return NULL;
    memcpy(name, text, length);
    if (!recurrent_activation_find(out, name))
        return NULL;
    text += length;
    if (*text != '(')
        return text;
    const char *const first = text + 1;
    out->alpha = strtod(first, &end);
    if (end == first || *end != ',')
        return NULL;
    const char *const second = end + 1;
    out->beta = strtod(second, &end);
    return end != second && *end == ')' && isfinite(out->alpha) && isfinite(out->beta) ? end + 1 : NULL;
}

// Three for each direction: "Sigmoid,Tanh,Tanh;HardSigmoid(0.2,0.5),Tanh,Tanh".
static bool read_activations(const char *text, recurrent_traits *out) {
    for (int direction = 0; direction < 2; direction++) {
        for (int i = 0; i < 3; i++) {
            text = read_activation(text, &out->activations[direction][i]);
            if (text == NULL || (i < 2 && *text++ != ','))
                return false;
        }
        if (*text == '\0')
            return true;
        if (direction == 1 || *text++ != ';')
            return false;
    }
    return false;
}

oclstm_status recurrent_traits_read(recurrent_traits *out, const oclstm_tensors *file, const char *layer, oclstm_error *error) {
    *out = recurrent_traits_plain();
    const char *value = find_value(file, layer, "direction");
    if (value != NULL) {
        out->reverse = strcmp(value, "reverse") == 0;
        out->both = strcmp(value, "bidirectional") == 0;
        if (!out->reverse && !out->both && strcmp(value, "forward") != 0)
            return fail_value(file, layer, "direction", value, error);
    }
    value = find_value(file, layer, "activations");
    if (value != NULL && !read_activations(value, out))
        return fail_value(file, layer, "activations", value, error);
    value = find_value(file, layer, "clip");
    if (value != NULL) {
        char *end;
        out->has_clip = true;
        out->clip = strtod(value, &end);
        if (end == value || *end != '\0' || !(out->clip > 0.0))
            return fail_value(file, layer, "clip", value, error);
    }
    value = find_value(file, layer, "input_forget");
    if (value != NULL) {
        out->input_forget = strcmp(value, "1") == 0;
        if (!out->input_forget && strcmp(value, "0") != 0)
            return fail_value(file, layer, "input_forget", value, error);
    }
    value = find_value(file, layer, "layout");
    if (value != NULL) {
        out->layout = strcmp(value, "1") == 0;
        if (!out->layout && strcmp(value, "0") != 0)
            return fail_value(file, layer, "layout", value, error);
    }
    return OCLSTM_OK;
}

static bool set_value(json_t *metadata, const char *layer, const char *what, const char *value) {
    char key[320];
    snprintf(key, sizeof key, "%s.%s", layer, what);
    return json_object_set_new(metadata, key, json_string(value)) == 0;
}

static const char *name_of(int function) {
    for (size_t i = 0; i < KNOWN; i++) {
        if (known[i].defaults.function == function)
            return known[i].name;
    }
    return "?";
}

bool recurrent_traits_write(const recurrent_traits *traits, int directions, const char *layer, json_t *metadata) {
    char text[512] = "";
    bool is_plain = true;
    for (int direction = 0; direction < directions; direction++) {
        for (int i = 0; i < 3; i++) {
            const recurrent_activation *activation = &traits->activations[direction][i];
            is_plain = is_plain && activation->function == plain[i].function;
            base_append(text, sizeof text, "%s%s", i > 0 ? "," : direction > 0 ? ";" : "", name_of(activation->function));
            if (activation->alpha != 0 || activation->beta != 0)
                base_append(text, sizeof text, "(%.9g,%.9g)", activation->alpha, activation->beta);
        }
    }
    bool done = is_plain || set_value(metadata, layer, "activations", text);
    if (traits->reverse || directions == 2)
        done = done && set_value(metadata, layer, "direction", traits->reverse ? "reverse" : "bidirectional");
    if (traits->has_clip) {
        snprintf(text, sizeof text, "%.9g", traits->clip);
        done = done && set_value(metadata, layer, "clip", text);
    }
    if (traits->input_forget)
        done = done && set_value(metadata, layer, "input_forget", "1");
    if (traits->layout)
        done = done && set_value(metadata, layer, "layout", "1");
    return done;
}
