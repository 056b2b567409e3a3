// SPDX-License-Identifier: Apache-2.0
#include "option_values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool option_number(cli_number *out, const char *text, double bound) {
    char *end = NULL;
    out->given = true;
    out->value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(out->value) && out->value >= 0.0 && out->value < bound;
}

bool option_integer(int64_t *out, const char *text) {
    char *end = NULL;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0;
}

bool option_count(int64_t *out, const char *text) { return option_integer(out, text) && *out >= 1; }

// A number without sign or exponent, and s, m or h.
bool option_time(double *seconds, const char *text) {
    const size_t digits = strspn(text, "0123456789.");
    char *end = NULL;
    *seconds = strtod(text, &end);
    if (digits == 0 || end != text + digits)
        return false;
    if (*end == 'm')
        *seconds *= 60.0;
    else if (*end == 'h')
        *seconds *= 3600.0;
    if (*end == 's' || *end == 'm' || *end == 'h')
        end++;
    return *end == '\0' && *seconds > 0.0 && *seconds <= 86400.0;
}

bool option_every(int64_t *steps, double *seconds, const char *text) {
    const size_t length = strlen(text);
    *steps = 0;
    *seconds = 0.0;
    if (length == 0 || !isalpha((unsigned char)text[length - 1]))
        return option_count(steps, text);
    return option_time(seconds, text);
}

// The number below `count` whose name the text is, or -1.
static int find_name(const char *text, int count, const char *(*name)(int)) {
    for (int i = 0; i < count; i++)
        if (strcmp(text, name(i)) == 0)
            return i;
    return -1;
}

static const char *loss_name(int i) { return oclstm_loss_name((oclstm_loss)i); }
static const char *optimizer_name(int i) { return oclstm_optimizer_name((oclstm_optimizer)i); }
static const char *schedule_name(int i) { return oclstm_schedule_name((oclstm_schedule)i); }

bool option_loss(oclstm_loss *out, const char *text) {
    const int found = find_name(text, OCLSTM_LOSS_BCE + 1, loss_name);
    *out = found < 0 ? OCLSTM_LOSS_MSE : (oclstm_loss)found;
    return found >= 0;
}

bool option_optimizer(oclstm_optimizer *out, const char *text) {
    const int found = find_name(text, OCLSTM_OPTIMIZER_ADAMW + 1, optimizer_name);
    *out = found < 0 ? OCLSTM_OPTIMIZER_SGD : (oclstm_optimizer)found;
    return found >= 0;
}

bool option_schedule(oclstm_schedule *out, const char *text) {
    const int found = find_name(text, OCLSTM_SCHEDULE_COSINE + 1, schedule_name);
    *out = found < 0 ? OCLSTM_SCHEDULE_CONSTANT : (oclstm_schedule)found;
    return found >= 0;
}
