// SPDX-License-Identifier: Apache-2.0
// ONNX models: what an LSTM node may be, and what becomes of wrong ones.
#include <stdio.h>
#include <string.h>

#include "load_fixture.h"
#include "runner.h"

enum { FLOAT = 1, INT32 = 6, INT64 = 7, FLOAT16 = 10, DOUBLE = 11, BFLOAT16 = 16 };
typedef enum place { RAW, FLOATS, DOUBLES, NOWHERE } place;

typedef struct weight {
    const char *name; // NULL: absent
    int rank;
    int64_t dims[4];
    int type;
    place where;
    int location;      // 1: external
    size_t size_bytes; // 0: as the shape needs for float32
} weight;

// A node of hidden size 1 and 2 inputs, one direction; a test changes a copy.
typedef struct model {
    weight weights[8]; // by the operator's input; the names are fixed
    void (*attributes)(bytes *node);
    const char *name, *op_type, *domain;
    bool constants; // weights as Constant nodes
    bool no_initializers;
    int nodes;
} model;

static const model plain = {
    .weights = {[1] = {"w", 3, {1, 4, 2}, FLOAT, RAW, 0, 0}, [2] = {"r", 3, {1, 4, 1}, FLOAT, RAW, 0, 0}},
    .name = "n",
    .op_type = "LSTM",
    .nodes = 1,
};

static const float counting[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                   16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
static const double doubles[64] = {0, 1, 2, 3, 4, 5, 6, 7};

static bytes make_tensor(const weight *w) {
    bytes tensor = {0};
    size_t elements = 1;
    for (int axis = 0; axis < w->rank; axis++) {
        proto_number(&tensor, 1, (uint64_t)w->dims[axis]);
        elements *= (size_t)w->dims[axis];
    }
    proto_number(&tensor, 2, (uint64_t)w->type);
    proto_text(&tensor, 8, w->name);
    const size_t bytes_wanted = w->size_bytes > 0 ? w->size_bytes : elements * (w->where == DOUBLES || w->type == DOUBLE ? 8 : 4);
    if (w->where != NOWHERE)
        proto_bytes(&tensor,
                    w->where == RAW      ? 9
                    : w->where == FLOATS ? 4
                                         : 10,
                    w->where == DOUBLES ? (const void *)doubles : counting, bytes_wanted < 256 ? bytes_wanted : 256);
    if (w->location != 0)
        proto_number(&tensor, 14, (uint64_t)w->location);
    return tensor;
}

static void add_constant(bytes *graph, const weight *w) {
    bytes tensor = make_tensor(w), attribute = {0}, node = {0};
    proto_text(&attribute, 1, "value");
    proto_message(&attribute, 5, &tensor);
    proto_text(&node, 2, w->name);
    proto_text(&node, 4, "Constant");
    proto_message(&node, 5, &attribute);
    proto_message(graph, 1, &node);
}

static bytes make(const model *m) {
    bytes file = {0}, graph = {0};
    for (int i = 0; i < 8 && m->constants; i++) {
        if (m->weights[i].name != NULL)
            add_constant(&graph, &m->weights[i]);
    }
    for (int n = 0; n < m->nodes; n++) {
        bytes node = {0};
        for (int i = 0; i < 8; i++)
            proto_text(&node, 1, i == 0 ? "x" : m->weights[i].name != NULL ? m->weights[i].name : "");
        if (m->name != NULL)
            proto_text(&node, 3, m->name);
        proto_text(&node, 4, m->op_type);
        if (m->attributes != NULL)
            m->attributes(&node);
        if (m->domain != NULL)
            proto_text(&node, 7, m->domain);
        proto_message(&graph, 1, &node);
    }
    for (int i = 0; i < 8 && !m->constants && !m->no_initializers; i++) {
        if (m->weights[i].name == NULL)
            continue;
        bytes tensor = make_tensor(&m->weights[i]);
        proto_message(&graph, 5, &tensor);
    }
    proto_number(&file, 1, 8);
    proto_message(&file, 7, &graph);
    return file;
}

static void refuse_as(const model *m, oclstm_status status, const char *words) {
    bytes file = make(m);
    load_refused(file_write("bad.onnx", file.data, file.count), status, words);
    bytes_free(&file);
}

static void attribute_int(bytes *node, const char *name, int64_t number) {
    bytes attribute = {0};
    proto_text(&attribute, 1, name);
    proto_number(&attribute, 3, (uint64_t)number);
    proto_message(node, 5, &attribute);
}

static void attribute_text(bytes *node, const char *name, unsigned field, const char *const *texts, int count) {
    bytes attribute = {0};
    proto_text(&attribute, 1, name);
    for (int i = 0; i < count; i++)
        proto_text(&attribute, field, texts[i]);
    proto_message(node, 5, &attribute);
}

static void attribute_float(bytes *node, const char *name, unsigned field, float number) {
    bytes attribute = {0};
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    proto_text(&attribute, 1, name);
    put_number(&attribute, field << 3 | 5, 1);
    put_number(&attribute, bits, 4);
    proto_message(node, 5, &attribute);
}

// --- what is read -------------------------------------------------------------------------------------------------------

static void expect(const model *m, size_t count, const char *name, const float *first, int values) {
    bytes file = make(m);
    oclstm_tensors *read = load_good_bytes(&file);
    ck_assert_str_eq(oclstm_tensors_format(read), "onnx");
    ck_assert_uint_eq(oclstm_tensors_count(read), count);
    const oclstm_tensor *found = oclstm_tensors_find(read, name);
    ck_assert_msg(found != NULL, "no '%s'", name);
    for (int i = 0; i < values; i++)
        ck_assert(((const float *)found->data)[i] == first[i]);
    oclstm_tensors_close(&read);
    bytes_free(&file);
}

// Gates from i, o, f, c to i, f, g, o.
START_TEST(weights_from_every_place) {
    static const float w[8] = {0, 1, 4, 5, 6, 7, 2, 3}, r[4] = {0, 2, 3, 1};
    model m = plain;
    expect(&m, 2, "n.weight_ih_l0", w, 8);
    expect(&m, 2, "n.weight_hh_l0", r, 4);
    m.weights[1].where = FLOATS;
    expect(&m, 2, "n.weight_ih_l0", w, 8);
    m.constants = true;
    expect(&m, 2, "n.weight_ih_l0", w, 8);
    m = plain;
    m.weights[1].type = m.weights[2].type = DOUBLE;
    m.weights[1].where = m.weights[2].where = DOUBLES;
    bytes file = make(&m);
    oclstm_tensors *read = load_good_bytes(&file);
    const oclstm_tensor *found = oclstm_tensors_find(read, "n.weight_hh_l0");
    ck_assert_int_eq(found->dtype, OCLSTM_F64);
    ck_assert_double_eq(((const double *)found->data)[1], 2);
    oclstm_tensors_close(&read);
    bytes_free(&file);
}
END_TEST

START_TEST(names_of_nodes) {
    static const float r[4] = {0, 2, 3, 1};
    model m = plain;
    m.name = NULL;
    expect(&m, 2, "lstm.weight_hh_l0", r, 4);
    m.nodes = 2;
    expect(&m, 4, "lstm2.weight_hh_l0", r, 4);
    m.name = "a/b,c";
    m.nodes = 1;
    expect(&m, 2, "a_b_c.weight_hh_l0", r, 4);
    m.domain = "ai.onnx";
    expect(&m, 2, "a_b_c.weight_hh_l0", r, 4);
    m.nodes = 2; // of one name
    refuse_as(&m, OCLSTM_FORMAT, "occurs twice");
    char longest[1000];
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    m = plain;
    m.name = longest;
    bytes file = make(&m);
    ck_assert(load_any(&file));
    bytes_free(&file);
}
END_TEST

START_TEST(several_nodes_are_listed_by_name) {
    bytes first = make(&plain), file = {0};
    model m = plain;
    m.name = "second";
    bytes second = make(&m);
    put_block(&file, &first);
    put(&file, second.data + 2, second.count - 2); // the graphs are one message
    oclstm_tensors *read = load_good_bytes(&file);
    ck_assert_uint_eq(oclstm_tensors_count(read), 4);
    ck_assert_ptr_nonnull(oclstm_tensors_find(read, "n.weight_ih_l0"));
    ck_assert_ptr_nonnull(oclstm_tensors_find(read, "second.weight_ih_l0"));
    oclstm_tensors_close(&read);
    bytes_free(&first);
    bytes_free(&second);
    bytes_free(&file);
}
END_TEST

// --- attributes ---------------------------------------------------------------------------------------------------------

#define ATTRIBUTE(name, call)                                                                                                      \
    static void name(bytes *node) { call; }
#define TEXTS(...) (const char *const[]){__VA_ARGS__}, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

ATTRIBUTE(sideways, attribute_text(node, "direction", 4, TEXTS("sideways")))
ATTRIBUTE(no_direction, attribute_text(node, "direction", 4, TEXTS("")))
ATTRIBUTE(both, attribute_text(node, "direction", 4, TEXTS("bidirectional")))
ATTRIBUTE(swish, attribute_text(node, "activations", 9, TEXTS("Sigmoid", "Swish", "Tanh")))
ATTRIBUTE(control, attribute_text(node, "activations", 9, TEXTS("Sigmoid", "\x1b[2J", "Tanh")))
ATTRIBUTE(two_activations, attribute_text(node, "activations", 9, TEXTS("Sigmoid", "Tanh")))
ATTRIBUTE(six_activations, attribute_text(node, "activations", 9, TEXTS("Relu", "Relu", "Relu", "Relu", "Relu", "Relu")))
ATTRIBUTE(no_activations, attribute_int(node, "activations", 3))
ATTRIBUTE(layout_2, attribute_int(node, "layout", 2))
ATTRIBUTE(layout_minus, attribute_int(node, "layout", -1))
ATTRIBUTE(forget_2, attribute_int(node, "input_forget", 2))
ATTRIBUTE(hidden_0, attribute_int(node, "hidden_size", 0))
ATTRIBUTE(hidden_minus, attribute_int(node, "hidden_size", -1))
ATTRIBUTE(hidden_2, attribute_int(node, "hidden_size", 2))
ATTRIBUTE(hidden_most, attribute_int(node, "hidden_size", INT64_MAX))
ATTRIBUTE(hidden_wrapped, attribute_int(node, "hidden_size", (int64_t)1 << 62)) // four of them are none
ATTRIBUTE(unknown, attribute_int(node, "output_sequence", 1))
ATTRIBUTE(nameless, attribute_int(node, "", 1))
ATTRIBUTE(clip_0, attribute_float(node, "clip", 2, 0))
ATTRIBUTE(clip_minus, attribute_float(node, "clip", 2, -1))
ATTRIBUTE(clip_infinite, attribute_float(node, "clip", 2, (float)(1e300 * 1e10)))
static void alpha_infinite(bytes *node) {
    attribute_text(node, "activations", 9, TEXTS("Elu", "Tanh", "Tanh"));
    attribute_float(node, "activation_alpha", 7, (float)(1e300 * 1e10));
}

static const struct {
    void (*add)(bytes *node);
    oclstm_status status;
    const char *words;
} attributes[] = {
    {sideways, OCLSTM_UNSUPPORTED, "the LSTM node 'n': direction 'sideways' is not supported"},
    {no_direction, OCLSTM_UNSUPPORTED, "direction '' is not supported"},
    {both, OCLSTM_FORMAT, "its input W has the shape [1][4][2], expected [2][any][any]"},
    {swish, OCLSTM_UNSUPPORTED, "activation 'Swish' is not supported"},
    {control, OCLSTM_UNSUPPORTED, "activation '?[2J' is not supported"},
    {two_activations, OCLSTM_FORMAT, "2 activations, expected 3"},
    {six_activations, OCLSTM_FORMAT, "6 activations, expected 3"},
    {no_activations, OCLSTM_FORMAT, "0 activations, expected 3"},
    {layout_2, OCLSTM_UNSUPPORTED, "layout '2' is not supported"},
    {layout_minus, OCLSTM_UNSUPPORTED, "layout '-1' is not supported"},
    {forget_2, OCLSTM_UNSUPPORTED, "input_forget '2' is not supported"},
    {hidden_0, OCLSTM_UNSUPPORTED, "hidden_size '0' is not supported"},
    {hidden_minus, OCLSTM_UNSUPPORTED, "hidden_size '-1' is not supported"},
    {hidden_2, OCLSTM_FORMAT, "W has 4 rows of 2 inputs for hidden_size 2"},
    {hidden_most, OCLSTM_FORMAT, "for hidden_size 9223372036854775807"},
    {hidden_wrapped, OCLSTM_FORMAT, "for hidden_size 4611686018427387904"},
    {unknown, OCLSTM_UNSUPPORTED, "the attribute 'output_sequence' is not supported"},
    {nameless, OCLSTM_UNSUPPORTED, "the attribute '' is not supported"},
    {clip_0, OCLSTM_UNSUPPORTED, "clip '0' is not supported"},
    {clip_minus, OCLSTM_UNSUPPORTED, "clip '-1' is not supported"},
    {clip_infinite, OCLSTM_UNSUPPORTED, "clip 'inf' is not supported"},
    {alpha_infinite, OCLSTM_UNSUPPORTED, "an infinite alpha or beta of 'Elu' is not supported"},
};

START_TEST(attributes_outside_the_set) {
    model m = plain;
    m.attributes = attributes[_i].add;
    refuse_as(&m, attributes[_i].status, attributes[_i].words);
}
END_TEST

// --- inputs -------------------------------------------------------------------------------------------------------------

static const struct {
    int input;
    weight what;
    const char *words;
} weights[] = {
    {1, {.name = NULL}, "its input W ('') is no initializer"},
    {2, {.name = NULL}, "its input R ('') is no initializer"},
    {1, {"w", 2, {4, 2}, FLOAT, RAW, 0, 0}, "W has the shape [4][2], expected [1][any][any]"},
    {1, {"w", 3, {2, 4, 2}, FLOAT, RAW, 0, 0}, "W has the shape [2][4][2]"},
    {1, {"w", 3, {1, 3, 2}, FLOAT, RAW, 0, 0}, "W has 3 rows of 2 inputs for hidden_size 0"},
    {1, {"w", 3, {1, 5, 2}, FLOAT, RAW, 0, 0}, "W has 5 rows of 2 inputs for hidden_size 1"},
    {1, {"w", 3, {1, 0, 2}, FLOAT, RAW, 0, 0}, "W has 0 rows"},
    {1, {"w", 3, {1, -4, 2}, FLOAT, NOWHERE, 0, 0}, "W has -4 rows"},
    {1, {"w", 3, {1, 4, 0}, FLOAT, NOWHERE, 0, 0}, "of 0 inputs"},
    {1, {"w", 3, {1, 4, -2}, FLOAT, NOWHERE, 0, 0}, "of -2 inputs"},
    {1, {"w", 3, {1, 4, INT64_MAX}, FLOAT, NOWHERE, 0, 0}, "of 9223372036854775807 inputs"},
    {1, {"w", 3, {1, 4, (int64_t)1 << 61}, FLOAT, NOWHERE, 0, 0}, "of 2305843009213693952 inputs"},
    {1, {"w", 3, {1, 4, INT32_MAX}, FLOAT, NOWHERE, 0, 0}, "another number of bytes"},
    {1, {"w", 3, {1, INT64_MAX, 2}, FLOAT, NOWHERE, 0, 0}, "W has 9223372036854775807 rows"},
    {2, {"r", 3, {1, 4, 2}, FLOAT, RAW, 0, 0}, "R has the shape [1][4][2], expected [1][4][1]"},
    {2, {"r", 0, {0}, FLOAT, RAW, 0, 0}, "R has the shape , expected [1][4][1]"},
    {3, {"b", 2, {1, 4}, FLOAT, RAW, 0, 0}, "B has the shape [1][4], expected [1][8]"},
    {3, {"b", 1, {8}, FLOAT, RAW, 0, 0}, "B has the shape [8], expected [1][8]"},
    {5, {"h", 3, {1, 2, 2}, FLOAT, RAW, 0, 0}, "initial_h has the shape [1][2][2], expected [any][any][1]"},
    {6, {"c", 2, {2, 1}, FLOAT, RAW, 0, 0}, "initial_c has the shape [2][1]"},
    {7, {"p", 2, {1, 4}, FLOAT, RAW, 0, 0}, "P has the shape [1][4], expected [1][3]"},
    {1, {"w", 3, {1, 4, 2}, FLOAT, RAW, 0, 28}, "the initializer 'w' has another number of bytes than its shape needs"},
    {1, {"w", 3, {1, 4, 2}, FLOAT, RAW, 0, 36}, "another number of bytes"},
    {1, {"w", 3, {1, 4, 2}, FLOAT, FLOATS, 0, 28}, "another number of bytes"},
    {1, {"w", 3, {1, 4, 2}, FLOAT, DOUBLES, 0, 0}, "another number of bytes"},
    {1, {"w", 3, {1, 4, 2}, FLOAT, NOWHERE, 0, 0}, "another number of bytes"},
    {1, {"w", 3, {1, 4, 2}, FLOAT, RAW, 1, 0}, "lies in another file (external data)"},
    {1, {"w", 3, {1, 4, 2}, FLOAT16, FLOATS, 0, 16}, "of 16 bits and not stored as raw data"},
    {1, {"w", 3, {1, 4, 2}, BFLOAT16, NOWHERE, 0, 0}, "of 16 bits and not stored as raw data"},
    {1, {"w", 3, {1, 4, 2}, INT32, RAW, 0, 0}, "of a type that is no floating-point type"},
    {1, {"w", 3, {1, 4, 2}, INT64, RAW, 0, 64}, "of a type that is no floating-point type"},
    {1, {"w", 3, {1, 4, 2}, 0, RAW, 0, 0}, "of a type that is no floating-point type"},
    {1, {"w", 3, {1, 4, 2}, -1, RAW, 0, 0}, "of a type that is no floating-point type"},
};

START_TEST(weights_that_are_wrong) {
    model m = plain;
    m.weights[weights[_i].input] = weights[_i].what;
    refuse_as(&m, OCLSTM_FORMAT, weights[_i].words);
}
END_TEST

// A hidden size whose square is beyond 64 bits.
START_TEST(the_largest_hidden_size) {
    model m = plain;
    const int64_t hidden = INT32_MAX;
    m.weights[1] = (weight){"w", 3, {1, 4 * hidden, 1}, FLOAT, NOWHERE, 0, 0};
    m.weights[2] = (weight){"r", 3, {1, 4 * hidden, hidden}, FLOAT, NOWHERE, 0, 0};
    refuse_as(&m, OCLSTM_FORMAT, "another number of bytes");
}
END_TEST

START_TEST(weights_that_are_not_in_the_file) {
    model m = plain;
    m.no_initializers = true;
    refuse_as(&m, OCLSTM_FORMAT, "its input W ('w') is no initializer of the model; weights must be in the file");
    m = plain;
    m.weights[3] = (weight){"b", 2, {1, 8}, FLOAT, RAW, 0, 0};
    bytes file = make(&m);
    ck_assert(load_any(&file));
    bytes_free(&file);
}
END_TEST

START_TEST(models_without_an_lstm_node) {
    model m = plain;
    m.op_type = "GRU";
    refuse_as(&m, OCLSTM_FORMAT, "an ONNX model without an LSTM node; its operators: GRU");
    m.constants = true;
    refuse_as(&m, OCLSTM_FORMAT, "its operators: Constant, Constant, GRU");
    m = plain;
    m.domain = "com.example";
    refuse_as(&m, OCLSTM_FORMAT, "without an LSTM node; its operators: LSTM");
    m.nodes = 0;
    refuse_as(&m, OCLSTM_FORMAT, "its operators: none");
    bytes file = {0};
    proto_number(&file, 1, 8);
    proto_text(&file, 2, "pytorch");
    load_refused_bytes(&file, "has no graph");
    bytes_free(&file);
}
END_TEST

// --- every place, every length ------------------------------------------------------------------------------------------

START_TEST(wrong_wire_types) {
    static const unsigned char wires[] = {0, 1, 3, 4, 5, 6, 7};
    for (size_t i = 0; i < sizeof wires; i++) {
        bytes file = make(&plain);
        ck_assert_int_eq(file.data[2], 0x3a);
        file.data[4] = (unsigned char)(1 << 3 | wires[i]); // the node
        load_any(&file);
        file.data[2] = (unsigned char)(7 << 3 | wires[i]); // the graph
        load_refused_bytes(&file, "");
        bytes_free(&file);
    }
}
END_TEST

static bytes small_file(void) {
    model m = plain;
    m.weights[3] = (weight){"b", 2, {1, 8}, FLOAT, RAW, 0, 0};
    m.weights[7] = (weight){"p", 2, {1, 3}, FLOAT, FLOATS, 0, 0};
    return make(&m);
}

START_TEST(truncated_at_every_byte) {
    bytes file = small_file();
    ck_assert_int_eq(load_truncated(&file), 0);
    bytes_free(&file);
}
END_TEST

START_TEST(every_field_at_its_extremes) {
    bytes file = small_file();
    ck_assert_int_gt(load_extremes(&file, NULL), 100);
    bytes_free(&file);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("onnx");
    TCase *tcase = file_case(suite, "onnx");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, weights_from_every_place);
    tcase_add_test(tcase, names_of_nodes);
    tcase_add_test(tcase, several_nodes_are_listed_by_name);
    tcase_add_loop_test(tcase, attributes_outside_the_set, 0, sizeof attributes / sizeof attributes[0]);
    tcase_add_loop_test(tcase, weights_that_are_wrong, 0, sizeof weights / sizeof weights[0]);
    tcase_add_test(tcase, the_largest_hidden_size);
    tcase_add_test(tcase, weights_that_are_not_in_the_file);
    tcase_add_test(tcase, models_without_an_lstm_node);
    tcase_add_test(tcase, wrong_wire_types);
    tcase_add_test(tcase, truncated_at_every_byte);
    tcase_add_test(tcase, every_field_at_its_extremes);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
