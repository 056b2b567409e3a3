// SPDX-License-Identifier: Apache-2.0
// OCLSTM_IMITATE: from text to disguises. Anything not understood ends the process.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "imitate.h"

enum { MAX_DISGUISES = 8 };

typedef enum value_kind { NUMBER, FLAG, TEXT, TYPE, VERSION, QUERIES } value_kind;

static disguise disguises[MAX_DISGUISES], plain;
static size_t disguise_count;

#define KEY(kind, name)                                                                                                            \
    { #name, kind, offsetof(disguise, name) }
static const struct {
    const char *name;
    value_kind kind;
    size_t offset;
} keys[] = {
    KEY(TYPE, type),
    KEY(FLAG, custom_in_all),
    KEY(NUMBER, max_group),
    KEY(NUMBER, kernel_group),
    KEY(NUMBER, items_x),
    KEY(NUMBER, items_y),
    KEY(NUMBER, items_z),
    KEY(NUMBER, local_memory),
    KEY(NUMBER, max_allocation),
    KEY(NUMBER, units),
    KEY(NUMBER, clock),
    KEY(NUMBER, address_bits),
    KEY(NUMBER, float_vector),
    KEY(FLAG, compiler),
    KEY(FLAG, fp64),
    KEY(FLAG, fp16),
    KEY(FLAG, int64),
    KEY(FLAG, bare),
    KEY(FLAG, little_endian),
    KEY(FLAG, available),
    KEY(FLAG, executes),
    KEY(VERSION, version),
    KEY(NUMBER, platform_fails),
    KEY(NUMBER, twin_fails),
    KEY(TEXT, profile),
    KEY(TEXT, name),
    KEY(TEXT, vendor),
    KEY(TEXT, driver),
    KEY(TEXT, platform),
    KEY(TEXT, twin),
    {"fails", QUERIES, offsetof(disguise, failing)},
};
enum { KEYS = sizeof keys / sizeof keys[0] };

typedef struct named_value {
    const char *name;
    cl_ulong value;
} named_value;

static const named_value types[] = {
    {"cpu", CL_DEVICE_TYPE_CPU},       {"gpu", CL_DEVICE_TYPE_GPU},         {"accelerator", CL_DEVICE_TYPE_ACCELERATOR},
    {"custom", CL_DEVICE_TYPE_CUSTOM}, {"default", CL_DEVICE_TYPE_DEFAULT}, {NULL, 0},
};

static const named_value versions[] = {{"1.0", 100}, {"1.1", 101}, {"1.2", 102}, {NULL, 0}};

#define QUERY(name)                                                                                                                \
    { #name, CL_DEVICE_##name }
static const named_value queries[] = {
    QUERY(TYPE),
    QUERY(NAME),
    QUERY(VENDOR),
    QUERY(VERSION),
    QUERY(PROFILE),
    QUERY(EXTENSIONS),
    QUERY(AVAILABLE),
    QUERY(COMPILER_AVAILABLE),
    QUERY(ENDIAN_LITTLE),
    QUERY(EXECUTION_CAPABILITIES),
    QUERY(MAX_COMPUTE_UNITS),
    QUERY(MAX_CLOCK_FREQUENCY),
    QUERY(MAX_WORK_GROUP_SIZE),
    QUERY(MAX_WORK_ITEM_SIZES),
    QUERY(GLOBAL_MEM_SIZE),
    QUERY(MAX_MEM_ALLOC_SIZE),
    QUERY(LOCAL_MEM_SIZE),
    QUERY(LOCAL_MEM_TYPE),
    QUERY(HOST_UNIFIED_MEMORY),
    QUERY(ADDRESS_BITS),
    QUERY(NATIVE_VECTOR_WIDTH_FLOAT),
    QUERY(GLOBAL_MEM_CACHE_SIZE),
    QUERY(GLOBAL_MEM_CACHELINE_SIZE),
    QUERY(MEM_BASE_ADDR_ALIGN),
    {"DRIVER_VERSION", CL_DRIVER_VERSION},
    {NULL, 0},
};

// --- values -----------------------------------------------------------------------------------------------------------

static cl_ulong value_of(const named_value *names, const char *text, const char *key) {
    for (; names->name; names++) {
        if (strcmp(names->name, text) == 0)
            return names->value;
    }
    imitate_stop(key, text);
}

static int64_t number_of(const char *text, const char *key) {
    char *end;
    const long long number = strtoll(text, &end, 0);
    if (end == text || *end != '\0')
        imitate_stop(key, text);
    return number;
}

// "a+b": every part in turn.
static void add_parts(disguise *to, value_kind kind, char *text) {
    cl_ulong bits = 0;
    for (char *next = text; next; text = next) {
        next = strchr(text, '+');
        if (next)
            *next++ = '\0';
        if (kind == TYPE) {
            bits |= value_of(types, text, "there is no device type ");
            to->type = (int64_t)bits;
        } else if (to->failing_count < MAX_FAILING) {
            to->failing[to->failing_count++] = (cl_device_info)value_of(queries, text, "no query CL_DEVICE_ is known by the name ");
        } else {
            imitate_stop("too many queries that fail; left is ", text);
        }
    }
}

static void set_key(disguise *to, const char *name, char *value) {
    size_t at = 0;
    while (at < KEYS && strcmp(keys[at].name, name) != 0)
        at++;
    if (at == KEYS)
        imitate_stop("OCLSTM_IMITATE has the unknown key ", name);
    void *const field = (char *)to + keys[at].offset;
    int64_t number;
    switch (keys[at].kind) {
    case NUMBER:
    case FLAG:
        number = number_of(value, "not a number: ");
        if (keys[at].kind == FLAG && number != 0 && number != 1)
            imitate_stop("neither 0 nor 1 is the value of ", name);
        memcpy(field, &number, sizeof number);
        break;
    case VERSION:
        to->version = (int64_t)value_of(versions, value, "1.0, 1.1 and 1.2 can be imitated, not version ");
        break;
    case TEXT:
        memcpy(field, &value, sizeof value);
        break;
    case TYPE:
    case QUERIES:
        add_parts(to, keys[at].kind, value);
        break;
    }
}

// --- the variable -----------------------------------------------------------------------------------------------------

static disguise plain_disguise(void) {
    const int64_t unset = UNSET;
    disguise made = {0};
    for (size_t at = 0; at < KEYS; at++) {
        if (keys[at].kind != TEXT && keys[at].kind != QUERIES)
            memcpy((char *)&made + keys[at].offset, &unset, sizeof unset);
    }
    return made;
}

// Takes one "key=value" from the text, in place. Returns what ended it: ',' or ';' or '\0'.
static char take_key(char **text, char **name, char **value) {
    char *from = *text, *to = *text;
    *name = to;
    *value = NULL;
    for (; *from && *from != ',' && *from != ';'; from++) {
        if (*from == '=' && *value == NULL) {
            *to++ = '\0';
            *value = to;
            continue;
        }
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from;
    }
    const char end = *from;
    *text = end ? from + 1 : from;
    *to = '\0';
    return end;
}

void imitate_read_keys(void) {
    const char *variable = getenv("OCLSTM_IMITATE");
    // Kept for the life of the process: names point into it.
    static char *text;
    text = strdup(variable ? variable : "");
    if (text == NULL)
        imitate_stop("no memory for OCLSTM_IMITATE", "");
    plain = plain_disguise();
    char *rest = text, end = ';';
    while (end != '\0') {
        if (end == ';') {
            if (disguise_count == MAX_DISGUISES)
                imitate_stop("too many devices in OCLSTM_IMITATE: ", variable);
            disguises[disguise_count++] = plain;
        }
        char *name, *value;
        end = take_key(&rest, &name, &value);
        if (value)
            set_key(&disguises[disguise_count - 1], name, value);
        else if (*name)
            imitate_stop("OCLSTM_IMITATE has a key without a value: ", name);
    }
}

const disguise *imitate_keys_of(size_t place) {
    if (disguise_count == 1)
        return &disguises[0];
    return place < disguise_count ? &disguises[place] : &plain;
}

size_t imitate_key_count(void) { return disguise_count; }
