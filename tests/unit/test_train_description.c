// SPDX-License-Identifier: Apache-2.0
// Layers from words: what they become, and what is said of those that are wrong.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "runner.h"
#include "train/description.h"

static oclstm_layer *layers;
static size_t count;

static void release(void) {
    free(layers);
    layers = NULL;
}

// The layers as "kind name inputs>outputs (hidden proj layers directions bias) parameters", separated by "; ".
static void expect(int line, const char *text, const char *expected) {
    oclstm_error error = {0};
    char found[4096] = "";
    const oclstm_status status = train_description_parse(&layers, &count, text, &error);
    ck_assert_msg(status == OCLSTM_OK, "line %d: %s: %s", line, oclstm_status_name(status), error.message);
    for (size_t i = 0; i < count; i++) {
        const oclstm_layer *layer = &layers[i];
        base_append(found, sizeof found, "%s%s '%s' %lld>%lld", i > 0 ? "; " : "", oclstm_layer_kind_name(layer->kind), layer->name,
                    (long long)layer->inputs, (long long)layer->outputs);
        if (layer->hidden_size > 0)
            base_append(found, sizeof found, " h%lld p%lld l%d d%d", (long long)layer->hidden_size, (long long)layer->proj_size,
                        layer->num_layers, layer->directions);
        if (layer->parameters > 0)
            base_append(found, sizeof found, "%s =%llu", layer->bias ? " bias" : "", (unsigned long long)layer->parameters);
        ck_assert_msg(!layer->reverse && !layer->batch_first && !layer->general, "line %d: a flag of files", line);
    }
    ck_assert_msg(strcmp(found, expected) == 0, "line %d: found \"%s\", expected \"%s\"", line, found, expected);
    release();
}
#define LAYERS(text, expected) expect(__LINE__, text, expected)

static void refuse(int line, const char *text, const char *const *parts) {
    static oclstm_layer anything;
    oclstm_error error = {0};
    layers = &anything;
    count = 99;
    const oclstm_status status = train_description_parse(&layers, &count, text, &error);
    ck_assert_msg(status == OCLSTM_INVALID_ARGUMENT && error.status == status, "line %d: %s: %s", line, oclstm_status_name(status),
                  error.message);
    ck_assert_msg(layers == NULL && count == 0, "line %d: layers are given although it failed", line);
    ck_assert_msg(strlen(error.message) < sizeof error.message - 1, "line %d: the message is cut: %s", line, error.message);
    for (; *parts != NULL; parts++)
        ck_assert_msg(strstr(error.message, *parts) != NULL, "line %d: \"%s\" lacks \"%s\"", line, error.message, *parts);
    ck_assert_int_eq(train_description_parse(&layers, &count, text, NULL), OCLSTM_INVALID_ARGUMENT);
}
#define REFUSE(text, ...) refuse(__LINE__, text, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(kinds) {
    LAYERS("lstm 3 5", "lstm 'lstm' 3>5 h5 p0 l1 d1 bias =200");
    LAYERS("lstmcell 3 5", "lstm cell 'cell' 3>5 h5 p0 l1 d0 bias =200");
    LAYERS("embed 65 32, lstm 32 128, linear 65",
           "embedding 'embed' 65>32 =2080; lstm 'lstm' 32>128 h128 p0 l1 d1 bias =82944; linear 'linear' 128>65 bias =8385");
    LAYERS("linear 4 3, relu, lstm 5, sigmoid, linear 2 nobias",
           "linear 'linear' 4>3 bias =15; relu 'relu' 3>3; lstm 'lstm' 3>5 h5 p0 l1 d1 bias =200; sigmoid 'sigmoid' 5>5; "
           "linear 'linear2' 5>2 =10");
    LAYERS("embed 9 9,relu,relu,lstmcell 9 1 nobias",
           "embedding 'embed' 9>9 =81; relu 'relu' 9>9; relu 'relu' 9>9; lstm cell 'cell' 9>1 h1 p0 l1 d0 =40");
}
END_TEST

// Parameters as torch counts them: sum(p.numel() for p in torch.nn.LSTM(...).parameters()).
START_TEST(options) {
    LAYERS("lstm 6 5 layers 3", "lstm 'lstm' 6>5 h5 p0 l3 d1 bias =740");
    LAYERS("lstm 6 5 layers 3 bidirectional", "lstm 'lstm' 6>10 h5 p0 l3 d2 bias =1880");
    LAYERS("lstm 6 5 proj 2 bidirectional layers 2", "lstm 'lstm' 6>4 h5 p2 l2 d2 bias =760");
    LAYERS("lstm 6 5 nobias proj 4 layers 1", "lstm 'lstm' 6>4 h5 p4 l1 d1 =220");
    LAYERS("lstm 6 5 bidirectional nobias, lstm 10 2, linear 3",
           "lstm 'lstm' 6>10 h5 p0 l1 d2 =440; lstm 'lstm2' 10>2 h2 p0 l1 d1 bias =112; linear 'linear' 2>3 bias =9");
}
END_TEST

START_TEST(names) {
    LAYERS("a: lstm 3 4, b.c-1/d_: lstm 4, head: linear 2",
           "lstm 'a' 3>4 h4 p0 l1 d1 bias =144; lstm 'b.c-1/d_' 4>4 h4 p0 l1 d1 bias =160; linear 'head' 4>2 bias =10");
    // A number counts the layers of a kind, named ones too.
    LAYERS("lstm 1 1, x: lstm 1, lstm 1, lstmcell 1, lstmcell 1",
           "lstm 'lstm' 1>1 h1 p0 l1 d1 bias =16; lstm 'x' 1>1 h1 p0 l1 d1 bias =16; lstm 'lstm3' 1>1 h1 p0 l1 d1 bias =16; "
           "lstm cell 'cell' 1>1 h1 p0 l1 d0 bias =16; lstm cell 'cell2' 1>1 h1 p0 l1 d0 bias =16");
    LAYERS(".: lstm 3 4", "lstm '' 3>4 h4 p0 l1 d1 bias =144");
    LAYERS("lstm: lstm 3 4", "lstm 'lstm' 3>4 h4 p0 l1 d1 bias =144");
    LAYERS("embed: lstm 3 4", "lstm 'embed' 3>4 h4 p0 l1 d1 bias =144");
    LAYERS("lstmcell:lstm 3 4", "lstm 'lstmcell' 3>4 h4 p0 l1 d1 bias =144");
    LAYERS("65 : lstm 3 4", "lstm '65' 3>4 h4 p0 l1 d1 bias =144");
    char text[600], expected[600], name[256] = "";
    memset(name, 'n', 255);
    snprintf(text, sizeof text, "%s: lstm 1 1", name);
    snprintf(expected, sizeof expected, "lstm '%s' 1>1 h1 p0 l1 d1 bias =16", name);
    LAYERS(text, expected);
    snprintf(text, sizeof text, "%sn: lstm 1 1", name);
    REFUSE(text, "layer 1, at character 1: found 'nnn", "up to 255 letters");
    REFUSE("\xc3\xa9t\xc3\xa9: lstm 3 4", "layer 1, at character 1: found '\xc3\xa9t\xc3\xa9', expected a layer's name");
    REFUSE("a.: lstm 3 4", "found 'a.', expected a layer's name");
    REFUSE(".a: lstm 3 4", "found '.a', expected a layer's name");
    REFUSE("..: lstm 3 4", "found '..', expected a layer's name");
    REFUSE("a b: lstm 3 4", "at character 1: found 'a', expected embed, lstm");
    REFUSE("a=b: lstm 3 4", "found 'a=b', expected a layer's name");
    REFUSE("lstm 3 4, relu: linear 4", "layer 2, at character 11: found 'relu', expected a layer's name", "activation");
    REFUSE("lstm 3 4, softmax: linear 4", "found 'softmax', expected a layer's name");
    REFUSE("lstm 3 4, a: relu", "layer 2, at character 11: found 'a', expected no name before relu");
    REFUSE("a:: lstm 3 4", "at character 3: found a colon, expected embed");
    REFUSE(": lstm 3 4", "at character 1: found a colon, expected embed");
    REFUSE("a:", "at character 3: found the end, expected embed");
    REFUSE("a: b: lstm 3 4", "at character 4: found 'b', expected embed");
}
END_TEST

START_TEST(names_once) {
    REFUSE("a: lstm 3 4, b: lstm 4, a: linear 4", "layers 1 and 3 are both called 'a'", "expected a name of its own");
    REFUSE("linear: lstm 3 4, linear 4", "layers 1 and 2 are both called 'linear'");
    REFUSE("lstm2: lstm 3 4, lstm 4", "layers 1 and 2 are both called 'lstm2'");
    REFUSE(".: lstm 3 4, .: linear 4", "both called '.'");
}
END_TEST

START_TEST(spaces) {
    LAYERS("  lstm\t3\n4 \r\n", "lstm 'lstm' 3>4 h4 p0 l1 d1 bias =144");
    LAYERS("a :lstm 3 4,linear 2", "lstm 'a' 3>4 h4 p0 l1 d1 bias =144; linear 'linear' 4>2 bias =10");
    LAYERS("lstm 0003 04", "lstm 'lstm' 3>4 h4 p0 l1 d1 bias =144");
}
END_TEST

START_TEST(unknown_words) {
    REFUSE("", "layer 1, at character 1: found the end, expected embed, lstm, lstmcell, linear, relu or sigmoid");
    REFUSE(" \t", "layer 1, at character 3: found the end, expected embed");
    REFUSE(",", "layer 1, at character 1: found a comma");
    REFUSE("lstm 3 4,", "layer 2, at character 10: found the end, expected embed");
    REFUSE("lstm 3 4,,linear 2", "layer 2, at character 10: found a comma, expected embed");
    REFUSE("gru 3 4", "layer 1, at character 1: found 'gru', expected embed");
    REFUSE("LSTM 3 4", "found 'LSTM', expected embed");
    REFUSE("lstms 3 4", "found 'lstms', expected embed");
    REFUSE("lst", "found 'lst', expected embed");
    REFUSE("lstm 3 4; linear 2",
           "layer 1, at character 8: found '4;', expected the hidden size, a whole number from 1 to 536870911");
    REFUSE("lstm 3 4 linear 2", "at character 10: found 'linear', expected 'layers N', 'bidirectional', 'proj P', 'nobias'",
           "a comma and the next layer, or the end");
    REFUSE("lstm 3 4, linear 2, softmax", "layer 3, at character 21: found 'softmax'", "leave it out");
    REFUSE("lstm 3 4 \x01\x1b[31m", "at character 10: found '??[31m'");
    REFUSE("lstm 3 4: linear 2", "at character 9: found a colon, expected 'layers N'");
    REFUSE("lstm 3 4 bidirectional bidirectional", "at character 24: found 'bidirectional', expected");
    REFUSE("lstm 3 4 nobias nobias", "at character 17: found 'nobias', expected");
    REFUSE("lstm 3 4 layers 2 layers 2", "at character 19: found 'layers'");
    REFUSE("lstm 3 4 proj 2 proj 2", "at character 17: found 'proj'");
    REFUSE("lstm 3 4 bias", "found 'bias'");
    REFUSE("lstmcell 3 4 layers 2", "at character 14: found 'layers', expected 'nobias', a comma");
    REFUSE("lstmcell 3 4 bidirectional", "found 'bidirectional', expected 'nobias', a comma");
    REFUSE("lstmcell 3 4 proj 2", "found 'proj', expected 'nobias'");
    REFUSE("lstm 3 4, linear 2 proj 2", "layer 2, at character 20: found 'proj', expected 'nobias'");
    REFUSE("lstm 3 4, relu 4", "layer 2, at character 16: found '4', expected a comma and the next layer, or the end");
    REFUSE("lstm 3 4, relu nobias", "found 'nobias', expected a comma");
    REFUSE("embed 3 4 nobias, lstm 5", "found 'nobias', expected a comma");
    char text[4096] = "";
    memset(text, 'x', sizeof text - 1);
    REFUSE(text, "found 'xxxx");
}
END_TEST

START_TEST(numbers) {
    REFUSE("lstm", "at character 5: found the end, expected the hidden size, a whole number from 1 to 2147483647");
    REFUSE("lstm, linear 2", "at character 5: found a comma, expected the hidden size");
    REFUSE("lstm 3",
           "at character 7: found the end, expected a second number: the first layer says its inputs, as in 'lstm INPUT 3'");
    REFUSE("linear 3, lstm 4", "layer 1, at character 9: found a comma, expected a second number");
    REFUSE("lstm 0 4", "at character 6: found '0', expected the hidden size, a whole number from 1");
    REFUSE("lstm 3 0", "at character 8: found '0', expected the hidden size, a whole number from 1");
    REFUSE("lstm -3 4", "found '-3'");
    REFUSE("lstm +3 4", "found '+3'");
    REFUSE("lstm 3 -4", "found '-4', expected the hidden size");
    REFUSE("lstm 3.5 4", "found '3.5'");
    REFUSE("lstm 3 .5", "found '.5'");
    REFUSE("lstm 0x3 4", "found '0x3'");
    REFUSE("lstm 3 1e3", "found '1e3'");
    REFUSE("lstm three 4", "found 'three', expected the hidden size");
    REFUSE("lstm 3 536870912", "at character 8: found '536870912', expected the hidden size, a whole number from 1 to 536870911");
    REFUSE("linear 3 3, lstm 536870912", "layer 2, at character 18: found '536870912'", "from 1 to 536870911");
    REFUSE("lstm 2147483648 4", "found '2147483648'");
    REFUSE("lstm 18446744073709551617 4", "found '18446744073709551617'");
    REFUSE("lstm 99999999999999999999999999999999999999999999999999999999999 4", "found '9999", "from 1 to 2147483647");
    REFUSE("lstm 3 4 5", "at character 10: found '5', expected 'layers N'");
    REFUSE("embed 3, lstm 4", "at character 8: found a comma, expected the number of features");
    REFUSE("embed, lstm 4", "expected the size of the vocabulary");
    REFUSE("embed 3 4 5, lstm 4", "at character 11: found '5', expected a comma");
    REFUSE("lstm 3 4 layers", "at character 16: found the end, expected the number of layers, a whole number from 1 to 32767");
    REFUSE("lstm 3 4 layers 0", "found '0', expected the number of layers");
    REFUSE("lstm 3 4 layers 32768", "found '32768', expected the number of layers");
    REFUSE("lstm 3 4 layers bidirectional", "found 'bidirectional', expected the number of layers");
    REFUSE("lstm 3 4 proj 4", "at character 15: found '4', expected the projection's size, below the hidden size", "from 1 to 3");
    REFUSE("lstm 3 1 proj 1", "at character 15: found '1', expected no projection");
    REFUSE("lstm 3 4 proj", "found the end, expected the projection's size");
}
END_TEST

START_TEST(chains) {
    REFUSE("embed 65 32, lstm 31 8", "layer 2, at character 19: found '31', expected 32, the outputs of layer 1");
    REFUSE("lstm 3 4 bidirectional, linear 4 2", "layer 2, at character 32: found '4', expected 8, the outputs of layer 1");
    REFUSE("lstm 3 4 proj 2, relu, linear 4 2", "layer 3, at character 31: found '4', expected 2, the outputs of layer 2");
    REFUSE("lstm 3 4, embed 4 5", "layer 2, at character 11: found 'embed', expected embed as the first layer alone");
    REFUSE("embed 3 4, embed 4 5, lstm 2", "layer 2, at character 12: found 'embed'");
    REFUSE("relu, lstm 3 4", "layer 1, at character 1: found 'relu', expected embed, lstm, lstmcell or linear as the first layer");
    REFUSE("linear 3 4", "found no recurrent layer among 1, expected an lstm or an lstmcell");
    REFUSE("embed 3 4, linear 4, relu", "found no recurrent layer among 3");
    // What a file of it would be read as.
    REFUSE("linear 3 3 nobias, lstm 4", "linear 3 3 nobias", "as an embedding");
    LAYERS("linear 3 3, lstm 1 nobias", "linear 'linear' 3>3 bias =12; lstm 'lstm' 3>1 h1 p0 l1 d1 =16");
    LAYERS("linear 3 2 nobias, lstm 1 nobias", "linear 'linear' 3>2 =6; lstm 'lstm' 2>1 h1 p0 l1 d1 =12");
}
END_TEST

// Sizes that each are allowed.
START_TEST(sizes_that_overflow) {
    REFUSE("lstm 2147483647 536870911 layers 32767",
           "layer 1, at character 1: found 'lstm', expected a layer whose weights can be counted");
    REFUSE("linear 2147483647 2147483647, lstm 1", "layer 1, at character 1: found 'linear'", "counted");
    REFUSE("embed 2147483647 1073741823, lstm 1", "layer 1", "counted");
    LAYERS("embed 536870900 2147483647, lstm 1 nobias",
           "embedding 'embed' 536870900>2147483647 =1152921478300172300; lstm 'lstm' 2147483647>1 h1 p0 l1 d1 =8589934592");
    REFUSE("embed 536870911 2147483647, linear 2, lstm 1", "up to layer 2", "can be counted");
}
END_TEST

START_TEST(many_layers) {
    enum { MANY = 10000 };
    const size_t capacity = 40 * (size_t)MANY;
    char *text = malloc(capacity);
    ck_assert_ptr_nonnull(text);
    size_t at = (size_t)snprintf(text, capacity, "lstm 1 1");
    for (int i = 1; i < MANY; i++)
        at += (size_t)snprintf(text + at, capacity - at, i % 2 == 0 ? ", lstm 1" : ", relu");
    oclstm_error error = {0};
    ck_assert_msg(train_description_parse(&layers, &count, text, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_uint_eq(count, MANY);
    ck_assert_str_eq(layers[MANY - 2].name, "lstm5000");
    release();
    snprintf(text + at, capacity - at, ", lstm5000: lstm 1");
    REFUSE(text, "layers 9999 and 10001 are both called 'lstm5000'");
    // The last word of a long text, and nothing but one character.
    snprintf(text + at, capacity - at, ", lsdm 1");
    REFUSE(text, "layer 10001, at character", "found 'lsdm'");
    for (const char *letter = ",:(.1 a"; *letter != '\0'; letter++) {
        memset(text, *letter, capacity - 1);
        text[capacity - 1] = '\0';
        REFUSE(text, "layer 1, at character");
    }
    free(text);
}
END_TEST

START_TEST(no_text) { REFUSE(NULL, "NULL"); }
END_TEST

// Words of the language in any order never crash, and what is taken is a network that chains.
START_TEST(nonsense) {
    static const char *const words[] = {
        "embed", "lstm", "lstmcell", "linear", "relu", "sigmoid", "layers",     "bidirectional", "proj", "nobias", ",",
        ",",     ",",    ":",        "3",      "4",    "1",       "2147483647", "99999999999",   "a",    ".",      "\xff"};
    unsigned seed = 12345;
    size_t taken = 0;
    for (int round = 0; round < 100000; round++) {
        char text[256] = "";
        const unsigned length = 2 + (seed >> 16) % 9;
        for (unsigned i = 0; i < length; i++) {
            seed = seed * 1103515245u + 12345u;
            base_append(text, sizeof text, "%s ", words[(seed >> 16) % (sizeof words / sizeof words[0])]);
        }
        oclstm_error error = {0};
        if (train_description_parse(&layers, &count, text, &error) != OCLSTM_OK) {
            ck_assert_msg(layers == NULL && count == 0 && error.message[0] != '\0', "%s", text);
            continue;
        }
        taken++;
        for (size_t i = 0; i < count; i++)
            ck_assert_msg(layers[i].inputs > 0 && layers[i].outputs > 0 && (i == 0 || layers[i].inputs == layers[i - 1].outputs),
                          "%s", text);
        release();
    }
    ck_assert_uint_gt(taken, 5);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train_description");
    TCase *texts = tcase_create("texts");
    tcase_add_test(texts, kinds);
    tcase_add_test(texts, options);
    tcase_add_test(texts, names);
    tcase_add_test(texts, names_once);
    tcase_add_test(texts, spaces);
    tcase_add_test(texts, unknown_words);
    tcase_add_test(texts, numbers);
    tcase_add_test(texts, chains);
    tcase_add_test(texts, sizes_that_overflow);
    tcase_add_test(texts, many_layers);
    tcase_set_timeout(texts, 60); // sanitizers
    tcase_add_test(texts, no_text);
    tcase_add_test(texts, nonsense);
    suite_add_tcase(suite, texts);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
