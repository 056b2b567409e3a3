// SPDX-License-Identifier: Apache-2.0
// The layers of a model file, from names and shapes, from a list, from metadata. No device.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oclstm/network.h>

#include "base/error.h"
#include "file_fixture.h"
#include "model_fixture.h"
#include "runner.h"

static model_fixture m;

static oclstm_status find(oclstm_layer **layers, size_t *count, const char *list, oclstm_error *error) {
    oclstm_tensors *file = model_open(&m);
    const oclstm_network_params params = {.layers = list};
    const oclstm_status status = oclstm_network_find(layers, count, file, list != NULL ? &params : NULL, error);
    oclstm_tensors_close(&file);
    return status;
}

// The layers of the model, as "kind name inputs>outputs", separated by "; ".
static void expect_layers(int line, const char *list, const char *expected) {
    oclstm_layer *layers = NULL;
    size_t count = 0;
    oclstm_error error = {0};
    char found[2048] = "";
    const oclstm_status status = find(&layers, &count, list, &error);
    ck_assert_msg(status == OCLSTM_OK, "line %d: %s: %s", line, oclstm_status_name(status), error.message);
    for (size_t i = 0; i < count; i++)
        base_append(found, sizeof found, "%s%s %s %lld>%lld", i > 0 ? "; " : "", oclstm_layer_kind_name(layers[i].kind),
                    layers[i].name, (long long)layers[i].inputs, (long long)layers[i].outputs);
    oclstm_network_layers_free(&layers);
    ck_assert_ptr_null(layers);
    ck_assert_msg(strcmp(found, expected) == 0, "line %d: found \"%s\", expected \"%s\"", line, found, expected);
}
#define LAYERS(list, expected) expect_layers(__LINE__, list, expected)

static void refuse(int line, const char *list, oclstm_status wanted, const char *const *texts) {
    static oclstm_layer anything;
    oclstm_layer *layers = &anything;
    size_t count = 99;
    oclstm_error error = {0};
    const oclstm_status status = find(&layers, &count, list, &error);
    ck_assert_msg(status == wanted, "line %d: %s, expected %s: %s", line, oclstm_status_name(status), oclstm_status_name(wanted),
                  error.message);
    for (; *texts != NULL; texts++)
        ck_assert_msg(strstr(error.message, *texts) != NULL, "line %d: \"%s\" lacks \"%s\"", line, error.message, *texts);
    ck_assert_msg(layers == NULL && count == 0, "line %d: layers are given although it failed", line);
}
#define REFUSE(list, wanted, ...) refuse(__LINE__, list, wanted, (const char *const[]){__VA_ARGS__, NULL})

// The only layer of the model.
static oclstm_layer only_layer(void) {
    oclstm_layer *layers = NULL, layer;
    size_t count = 0;
    oclstm_error error = {0};
    ck_assert_msg(find(&layers, &count, NULL, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_uint_eq(count, 1);
    layer = layers[0];
    oclstm_network_layers_free(&layers);
    return layer;
}

static void add_tagger(void) {
    model_add_linear(&m, "tag.", 10, 4, true);
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5, .directions = 2);
    model_add_linear(&m, "embed.", 6, 9, false);
}

START_TEST(one_order) {
    add_tagger();
    LAYERS(NULL, "embedding embed 9>6; lstm lstm 6>10; linear tag 10>4");
    MODEL_LSTM(&m, .prefix = "", .input = 3, .hidden = 5, .layers = 3);
    LAYERS(NULL, "lstm  3>5");
    model_add_linear(&m, "b.", 4, 2, true);
    model_add_linear(&m, "a.", 5, 4, false);
    model_add_cell(&m, "second.", 7, 5);
    model_add_cell(&m, "first.", 3, 7);
    LAYERS(NULL, "lstm cell first 3>7; lstm cell second 7>5; linear a 5>4; linear b 4>2");
    model_add_cell(&m, "net.0.cell.", 3, 7);
    LAYERS(NULL, "lstm cell net.0.cell 3>7");
}
END_TEST

// An embedding is a matrix without bias in front whose rows are the next layer's features; behind, it is a linear layer.
START_TEST(embedding_or_linear) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    model_add_linear(&m, "w.", 6, 9, false);
    LAYERS(NULL, "embedding w 9>6; lstm lstm 6>5");
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    model_add_linear(&m, "w.", 5, 9, false);
    LAYERS(NULL, "lstm lstm 6>5; linear w 5>9");
    // With a bias it is none, and stands in front only where it is named.
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 9, .hidden = 5);
    model_add_linear(&m, "w.", 6, 9, true);
    REFUSE(NULL, OCLSTM_FORMAT, "in no order", "--layers");
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 9, .hidden = 5);
    model_add_linear(&m, "w.", 6, 9, true);
    LAYERS("w,lstm", "linear w 6>9; lstm lstm 9>5");
    // Without one, what chains decides.
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 9, .hidden = 5);
    model_add_linear(&m, "w.", 6, 9, false);
    LAYERS("w,relu,lstm", "linear w 6>9; relu relu 9>9; lstm lstm 9>5");
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    model_add_linear(&m, "w.", 6, 9, false);
    LAYERS("w, lstm", "embedding w 9>6; lstm lstm 6>5");
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    model_add_linear(&m, "w.", 6, 6, false);
    LAYERS("w,lstm", "embedding w 6>6; lstm lstm 6>5");
}
END_TEST

START_TEST(single_tap_convolution) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    model_tensor(&m, "conv.weight", OCLSTM_F32, 3, 2, 5, 1);
    model_tensor(&m, "conv.bias", OCLSTM_F32, 1, 2);
    LAYERS(NULL, "lstm lstm 6>5; linear conv 5>2");
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    model_tensor(&m, "conv.weight", OCLSTM_F32, 3, 2, 5, 3);
    REFUSE(NULL, OCLSTM_FORMAT, "belong to no layer read here (conv)", "--layers \"lstm\"");
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    model_tensor(&m, "conv.weight", OCLSTM_F32, 3, 2, 5, 3);
    REFUSE("lstm,conv", OCLSTM_FORMAT, "'conv'", "[2][5][3]", "expected a matrix");
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    model_tensor(&m, "norm.weight", OCLSTM_F32, 1, 5);
    LAYERS("lstm", "lstm lstm 6>5");
}
END_TEST

START_TEST(lists) {
    add_tagger();
    LAYERS("  embed ,lstm,  tag,softmax ", "embedding embed 9>6; lstm lstm 6>10; linear tag 10>4; softmax softmax 4>4");
    add_tagger();
    LAYERS("lstm,relu,tag,sigmoid", "lstm lstm 6>10; relu relu 10>10; linear tag 10>4; sigmoid sigmoid 4>4");
    MODEL_LSTM(&m, .prefix = "", .input = 6, .hidden = 5);
    model_add_linear(&m, "model.head.0.", 5, 2, true);
    LAYERS(".,model.head.0", "lstm  6>5; linear model.head.0 5>2");
    MODEL_LSTM(&m, .prefix = "", .input = 6, .hidden = 5);
    REFUSE(".,", OCLSTM_NOT_FOUND, "empty");
    MODEL_LSTM(&m, .prefix = "", .input = 6, .hidden = 5);
    REFUSE("", OCLSTM_NOT_FOUND, "empty");
    add_tagger();
    REFUSE("embed,rnn,tag", OCLSTM_NOT_FOUND, "'rnn'", "the file's layers are", "embed", "lstm", "tag", "relu");
    MODEL_LSTM(&m, .prefix = "", .input = 6, .hidden = 5);
    REFUSE("rnn", OCLSTM_NOT_FOUND, "the file's layers are .;");
    add_tagger();
    REFUSE("embed,tag", OCLSTM_FORMAT, "takes 10 features", "'embed' before it gives 6");
    add_tagger();
    REFUSE("tag", OCLSTM_FORMAT, "none of the layers named is an LSTM");
    add_tagger();
    REFUSE("relu,lstm", OCLSTM_FORMAT, "begin with relu");
    add_tagger();
    REFUSE("lstm,tag,lstm", OCLSTM_FORMAT, "layer 3 ('lstm') takes 6 features", "'tag' before it gives 4");
}
END_TEST

START_TEST(list_in_metadata) {
    add_tagger();
    model_add_metadata(&m, "oclstm.layers", "embed,lstm,tag,softmax");
    LAYERS(NULL, "embedding embed 9>6; lstm lstm 6>10; linear tag 10>4; softmax softmax 4>4");
    add_tagger();
    model_add_metadata(&m, "oclstm.layers", "embed,lstm,tag,softmax");
    LAYERS("lstm", "lstm lstm 6>10"); // what the caller says goes first
    add_tagger();
    model_add_metadata(&m, "oclstm.layers", "embed,other");
    REFUSE(NULL, OCLSTM_NOT_FOUND, "'other'");
}
END_TEST

START_TEST(several_orders) {
    model_add_cell(&m, "a.", 5, 5);
    model_add_cell(&m, "b.", 5, 5);
    REFUSE(NULL, OCLSTM_FORMAT, "several orders", "--layers \"a,b\"");
    model_add_cell(&m, "a.", 5, 5);
    model_add_cell(&m, "b.", 5, 5);
    LAYERS("b,a", "lstm cell b 5>5; lstm cell a 5>5");
    // The same matrix could be what comes first, or what comes last.
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 6);
    model_add_linear(&m, "w.", 6, 9, false);
    REFUSE(NULL, OCLSTM_FORMAT, "several orders", "--layers \"lstm,w\"");
    MODEL_LSTM(&m, .prefix = "", .input = 5, .hidden = 5);
    model_add_cell(&m, "cell.", 5, 5);
    REFUSE(NULL, OCLSTM_FORMAT, "several orders", "--layers \".,cell\"");
}
END_TEST

START_TEST(no_order) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    model_add_linear(&m, "head.", 7, 2, true);
    REFUSE(NULL, OCLSTM_FORMAT, "in no order", "--layers \"lstm,head\"");
    for (int i = 0; i < 9; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "c%d.", i);
        model_add_cell(&m, prefix, 2 + i, 3 + i);
    }
    REFUSE(NULL, OCLSTM_FORMAT, "there are many", "c0,c1,c2,c3,c4,c5,c6,c7,c8");
    for (int i = 0; i < 8; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "c%d.", i);
        model_add_cell(&m, prefix, 2 + i, 3 + i);
    }
    LAYERS(NULL, "lstm cell c0 2>3; lstm cell c1 3>4; lstm cell c2 4>5; lstm cell c3 5>6; lstm cell c4 6>7; lstm cell c5 7>8; "
                 "lstm cell c6 8>9; lstm cell c7 9>10");
    model_add_linear(&m, "head.", 7, 2, true);
    REFUSE(NULL, OCLSTM_FORMAT, "holds no LSTM");
    model_tensor(&m, "x", OCLSTM_F32, 2, 3, 4);
    REFUSE(NULL, OCLSTM_FORMAT, "holds no LSTM", "weight_ih_l0");
}
END_TEST

// Each tensor of two layers in two directions with projection, left out.
START_TEST(missing_tensors) {
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"};
    for (int layer = 0; layer < 2; layer++) {
        for (int direction = 0; direction < 2; direction++) {
            for (int i = 0; i < 5; i++) {
                char name[64], where[64];
                snprintf(name, sizeof name, "lstm.%s_l%d%s", names[i], layer, direction == 1 ? "_reverse" : "");
                snprintf(where, sizeof where, "'lstm', layer %d%s, lacks", layer, direction == 1 ? " backward" : "");
                m.without = name;
                MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5, .proj = 3, .layers = 2, .directions = 2);
                if (layer == 0 && direction == 0 && i == 4)
                    REFUSE(NULL, OCLSTM_FORMAT, "weight_hh_l0' is [20][3]", "expected [20][5]"); // as of a layer without projection
                else
                    REFUSE(NULL, OCLSTM_FORMAT, where, name);
            }
        }
    }
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "cell.%s", names[i]);
        m.without = name;
        model_add_cell(&m, "cell.", 6, 5);
        REFUSE(NULL, OCLSTM_FORMAT, "'cell' lacks the tensor", name);
    }
}
END_TEST

static void add_second_layer(const char *first, const char *second) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5, .no_bias = true);
    model_tensor(&m, first, OCLSTM_F32, 2, 20, 5);
    model_tensor(&m, second, OCLSTM_F32, 2, 20, 5);
}

// What a later layer has, and an earlier one has not.
START_TEST(layers_unlike_each_other) {
    add_second_layer("lstm.weight_ih_l2", "lstm.weight_hh_l2");
    REFUSE(NULL, OCLSTM_FORMAT, "layer 1, lacks", "lstm.weight_ih_l1");
    add_second_layer("lstm.weight_ih_l1_reverse", "lstm.weight_hh_l1_reverse");
    REFUSE(NULL, OCLSTM_FORMAT, "layer 1, lacks", "lstm.weight_ih_l1");
    add_second_layer("lstm.weight_ih_l1", "lstm.weight_hh_l1");
    model_tensor(&m, "lstm.weight_ih_l1_reverse", OCLSTM_F32, 2, 20, 5);
    REFUSE(NULL, OCLSTM_FORMAT, "layer 0 backward, lacks", "lstm.weight_ih_l0_reverse");
    add_second_layer("lstm.weight_ih_l1", "lstm.weight_hh_l1");
    model_tensor(&m, "lstm.bias_ih_l1", OCLSTM_F32, 1, 20);
    model_tensor(&m, "lstm.bias_hh_l1", OCLSTM_F32, 1, 20);
    REFUSE(NULL, OCLSTM_FORMAT, "layer 0, lacks", "lstm.bias_ih_l0");
    add_second_layer("lstm.weight_ih_l1", "lstm.weight_hh_l1");
    model_tensor(&m, "lstm.weight_hr_l1", OCLSTM_F32, 2, 3, 5);
    REFUSE(NULL, OCLSTM_FORMAT, "layer 0, lacks", "lstm.weight_hr_l0");
    add_second_layer("lstm.weight_ih_l1", "lstm.weight_hh_l1");
    LAYERS(NULL, "lstm lstm 6>5");
}
END_TEST

START_TEST(wrong_shapes) {
    model_tensor(&m, "lstm.weight_ih_l0", OCLSTM_F32, 2, 20, 6);
    model_tensor(&m, "lstm.weight_hh_l0", OCLSTM_F32, 2, 15, 5); // of a GRU
    REFUSE(NULL, OCLSTM_FORMAT, "'lstm'", "lstm.weight_ih_l0' is [20][6] of float32", "expected [12][6]");
    model_tensor(&m, "lstm.weight_ih_l0", OCLSTM_F32, 1, 20);
    model_tensor(&m, "lstm.weight_hh_l0", OCLSTM_F32, 2, 20, 5);
    REFUSE(NULL, OCLSTM_FORMAT, "lstm.weight_ih_l0' is [20]", "expected [any][any]");
    model_tensor(&m, "lstm.weight_ih_l0", OCLSTM_I64, 2, 20, 6);
    model_tensor(&m, "lstm.weight_hh_l0", OCLSTM_F32, 2, 20, 5);
    REFUSE(NULL, OCLSTM_FORMAT, "of int64", "floating-point");
    model_tensor(&m, "lstm.weight_ih_l0", OCLSTM_F32, 2, 20, 6);
    model_tensor(&m, "lstm.weight_hh_l0", OCLSTM_F32, 2, 20, 5);
    model_tensor(&m, "lstm.bias_ih_l0", OCLSTM_F32, 1, 20);
    model_tensor(&m, "lstm.bias_hh_l0", OCLSTM_F32, 1, 21);
    REFUSE(NULL, OCLSTM_FORMAT, "lstm.bias_hh_l0' is [21]", "expected [20]");
    add_second_layer("lstm.weight_hh_l1", "lstm.unused");
    model_tensor(&m, "lstm.weight_ih_l1", OCLSTM_F32, 2, 20, 6);
    REFUSE(NULL, OCLSTM_FORMAT, "lstm.weight_ih_l1' is [20][6]", "expected [20][5]");
    model_tensor(&m, "lstm.weight_ih_l0", OCLSTM_F32, 2, 2, 6);
    model_tensor(&m, "lstm.weight_hh_l0", OCLSTM_F32, 2, 2, 5);
    REFUSE(NULL, OCLSTM_FORMAT, "lstm.weight_ih_l0' is [2][6]");
    model_add_cell(&m, "cell.", 6, 5);
    model_tensor(&m, "head.weight", OCLSTM_F32, 2, 3, 5);
    model_tensor(&m, "head.bias", OCLSTM_F32, 1, 4);
    REFUSE("cell,head", OCLSTM_FORMAT, "head.bias' is [4]", "expected [3]");
}
END_TEST

START_TEST(facts_of_a_layer) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5, .proj = 3, .layers = 2, .directions = 2);
    oclstm_layer layer = only_layer();
    ck_assert(layer.hidden_size == 5 && layer.proj_size == 3 && layer.num_layers == 2 && layer.directions == 2);
    ck_assert(layer.bias && !layer.reverse && !layer.general);
    ck_assert_int_eq(layer.outputs, 6);
    ck_assert_uint_eq(layer.parameters, 2 * (20 * 6 + 20 * 3 + 40 + 15) + 2 * (20 * 6 + 20 * 3 + 40 + 15));
    model_add_cell(&m, "cell.", 6, 5);
    layer = only_layer();
    ck_assert(layer.kind == OCLSTM_LAYER_LSTM_CELL && layer.num_layers == 1 && layer.directions == 0 && layer.bias);
    ck_assert_uint_eq(layer.parameters, 20 * 6 + 20 * 5 + 40);
    ck_assert_str_eq(oclstm_layer_kind_name((oclstm_layer_kind)99), "unknown");
    ck_assert_str_eq(oclstm_layer_kind_name((oclstm_layer_kind)-1), "unknown");
}
END_TEST

static void add_node(const char *key, const char *value, int directions) {
    MODEL_LSTM(&m, .prefix = "node.", .input = 6, .hidden = 5, .directions = directions);
    if (key != NULL)
        model_add_metadata(&m, key, value);
}

START_TEST(traits) {
    add_node("node.direction", "reverse", 1);
    oclstm_layer layer = only_layer();
    ck_assert(layer.reverse && !layer.general && layer.directions == 1);
    static const char *const general[][2] = {{"node.activations", "HardSigmoid(0.2,0.5),Tanh,Softsign"},
                                             {"node.activations", "relu,TANH,tanh"},
                                             {"node.clip", "3.5"},
                                             {"node.input_forget", "1"}};
    for (int i = 0; i < 4; i++) {
        add_node(general[i][0], general[i][1], 1);
        ck_assert(only_layer().general);
    }
    static const char *const plain[][2] = {{"node.activations", "Sigmoid,Tanh,Tanh"},
                                           {"node.direction", "forward"},
                                           {"node.input_forget", "0"},
                                           {"node.layout", "1"},
                                           {"other.clip", "3"}};
    for (int i = 0; i < 5; i++) {
        add_node(plain[i][0], plain[i][1], 1);
        layer = only_layer();
        ck_assert(!layer.general && !layer.reverse);
    }
    add_node("node.activations", "Sigmoid,Tanh,Tanh;Sigmoid,Tanh,Relu", 2); // of one direction
    ck_assert(only_layer().general);
    add_node(NULL, NULL, 1);
    model_tensor(&m, "node.peephole_l0", OCLSTM_F32, 1, 15);
    ck_assert(only_layer().general);
    add_node(NULL, NULL, 1);
    model_tensor(&m, "node.peephole_l0", OCLSTM_F32, 1, 14);
    REFUSE(NULL, OCLSTM_FORMAT, "node.peephole_l0' is [14]", "expected [15]");
}
END_TEST

START_TEST(bad_traits) {
    static const char *const bad[][2] = {{"node.direction", "sideways"},
                                         {"node.direction", ""},
                                         {"node.activations", ""},
                                         {"node.activations", "Sigmoid"},
                                         {"node.activations", "Sigmoid,Tanh"},
                                         {"node.activations", "Sigmoid,Tanh,Tanh,Tanh"},
                                         {"node.activations", "Sigmoid,Tanh,Tanh;"},
                                         {"node.activations", "Sigmoid,Tanh,Tanh;Sigmoid,Tanh"},
                                         {"node.activations", "Sigmoid,Tanh,Tanh;Sigmoid,Tanh,Tanh;Sigmoid,Tanh,Tanh"},
                                         {"node.activations", "Sigmoid,Tanh,Mish"},
                                         {"node.activations", "HardSigmoid(0.2),Tanh,Tanh"},
                                         {"node.activations", "HardSigmoid(0.2,0.5,Tanh,Tanh"},
                                         {"node.activations", "HardSigmoid(nan,0.5),Tanh,Tanh"},
                                         {"node.activations", "HardSigmoid(0.2,inf),Tanh,Tanh"},
                                         {"node.activations", "ANameThatIsLongerThanAnyActivationHas,Tanh,Tanh"},
                                         {"node.clip", ""},
                                         {"node.clip", "0"},
                                         {"node.clip", "-1"},
                                         {"node.clip", "nan"},
                                         {"node.clip", "1x"},
                                         {"node.input_forget", "yes"},
                                         {"node.layout", "2"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char value[128];
        add_node(bad[i][0], bad[i][1], 1);
        snprintf(value, sizeof value, "'%s' is '%s'", bad[i][0], bad[i][1]);
        REFUSE(NULL, OCLSTM_FORMAT, value, "not understood");
    }
    add_node("node.direction", "reverse", 2);
    REFUSE(NULL, OCLSTM_FORMAT, "'node.direction' is 'reverse'", "both directions");
    add_node("node.direction", "bidirectional", 1);
    REFUSE(NULL, OCLSTM_FORMAT, "layer 0 backward, lacks", "node.weight_ih_l0_reverse");
}
END_TEST

START_TEST(null_arguments) {
    oclstm_layer *layers = NULL;
    size_t count;
    oclstm_error error = {0};
    ck_assert(oclstm_network_find(NULL, &count, NULL, NULL, &error) == OCLSTM_INVALID_ARGUMENT);
    ck_assert(strstr(error.message, "file is NULL") != NULL);
    add_tagger();
    oclstm_tensors *file = model_open(&m);
    ck_assert(oclstm_network_find(NULL, &count, file, NULL, &error) == OCLSTM_INVALID_ARGUMENT);
    ck_assert(oclstm_network_find(&layers, NULL, file, NULL, NULL) == OCLSTM_INVALID_ARGUMENT);
    ck_assert(oclstm_network_find(&layers, &count, file, &(oclstm_network_params){.layers = "none"}, NULL) == OCLSTM_NOT_FOUND);
    oclstm_tensors_close(&file);
    oclstm_network_layers_free(NULL);
    oclstm_network_layers_free(&layers);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("network_find");
    TCase *tests = file_case(suite, "layers");
    const TTest *const all[] = {
        one_order,  embedding_or_linear, single_tap_convolution,   lists,        list_in_metadata, several_orders,
        no_order,   missing_tensors,     layers_unlike_each_other, wrong_shapes, facts_of_a_layer, traits,
        bad_traits, null_arguments};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        tcase_add_test(tests, all[i]);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
