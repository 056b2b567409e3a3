// SPDX-License-Identifier: Apache-2.0
// Files made to hurt: memory stays within the file's size times a small constant, whatever the file claims. Each is opened in a process whose address
// space is bounded. (Zip bombs are in test_zip_files.c.)
#include <stdio.h>
#include <string.h>

#include "load_fixture.h"
#include "runner.h"

static const float six[6] = {0, 1, 2, 3, 4, 5};
static const pickle_tensor matrix = {
    .type = "FloatStorage", .key = "0", .elements = 6, .rank = 2, .shape = {2, 3}, .strides = {3, 1}};

static bytes make_legacy(const bytes *object) {
    bytes storage = {0}, out = {0};
    put(&storage, six, sizeof six);
    put_legacy(&out, object, "0", 6, &storage);
    bytes_free(&storage);
    return out;
}

// One text of 200,000 bytes as the key of 40,000 entries: 8 GB of names.
START_TEST(one_long_key_of_many_entries) {
    static char key[200001];
    bytes object = {0};
    memset(key, 'k', sizeof key - 1);
    put_text(&object, "\x80\x02}(");
    pickle_text(&object, key);
    put(&object, "q\x01", 2);
    pickle_put_tensor(&object, &matrix);
    put(&object, "q\x02", 2);
    for (int i = 0; i < 40000; i++)
        put(&object, "h\x01h\x02N0", 6);
    put_text(&object, "u.");
    bytes made = make_legacy(&object);
    load_refused_bytes(&made, "the names of its tensors would unfold to more than");
    load_within(&made, 128 * made.count);
    bytes_free(&made);
    bytes_free(&object);
}
END_TEST

// The most values that a stream of this length can make.
START_TEST(memory_of_many_values) {
    static const char *const parts[] = {"N0", ")0", "}", "(", "N2", "]Q"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        bytes object = {0};
        put_text(&object, "\x80\x02");
        for (size_t at = 0; at < (size_t)1 << 20; at += strlen(parts[i]))
            put_text(&object, parts[i]);
        bytes made = make_legacy(&object);
        load_any(&made);
        load_within(&made, 160 * made.count);
        bytes_free(&made);
        bytes_free(&object);
    }
}
END_TEST

// Thousands of storages, named tens of thousands of times: each is found without a walk over all. The test's time limit is what judges it.
START_TEST(many_storages) {
    enum { STORAGES = 30000 };
    bytes object = {0}, file = {0}, keys = {0}, data = {0};
    char key[16];
    put_text(&object, "\x80\x02}(");
    for (int i = 0; i < STORAGES; i++) {
        snprintf(key, sizeof key, "%d", i);
        pickle_text(&object, key);
        pickle_put_tensor(&object, &(pickle_tensor){.type = "ByteStorage", .key = key, .elements = 1});
        put_number(&data, 1, 8);
        put_number(&data, (uint64_t)i & 0xff, 1);
        pickle_text(&keys, key);
    }
    put_text(&object, "u.");
    put_legacy(&file, &object, "", 0, &data);
    // The list of one key in front of the data is made one of all.
    file.count -= data.count + 8 + strlen("X....e.");
    put_block(&file, &keys);
    put_text(&file, "e.");
    put_block(&file, &data);
    oclstm_tensors *read = load_good_bytes(&file);
    ck_assert_uint_eq(oclstm_tensors_count(read), STORAGES);
    ck_assert_uint_eq(*(const unsigned char *)oclstm_tensors_find(read, "29999")->data, 29999 & 0xff);
    oclstm_tensors_close(&read);
    bytes_free(&object);
    bytes_free(&file);
    bytes_free(&keys);
    bytes_free(&data);
}
END_TEST

// The smallest messages that there are, each of which becomes a structure.
START_TEST(many_tiny_messages) {
    bytes file = {0};
    proto_bytes(&file, 1, "\x0a\x01w\x12\x00", 5);
    for (int i = 0; i < 1 << 19; i++)
        proto_bytes(&file, 1, "", 0);
    load_refused_bytes(&file, "would unfold to many times its size");
    load_within(&file, 32 * file.count);
    bytes_free(&file);
    for (int field = 1; field <= 5; field += 4) { // nodes, initializers
        bytes graph = {0};
        for (int i = 0; i < 1 << 19; i++)
            proto_bytes(&graph, (unsigned)field, "", 0);
        proto_number(&file, 1, 8);
        proto_message(&file, 7, &graph);
        load_refused_bytes(&file, "would unfold to many times its size");
        load_within(&file, 48 * file.count);
        bytes_free(&file);
    }
}
END_TEST

// A node takes a few bytes of the file: its tensors must not be laid out before they are there.
START_TEST(many_lstm_nodes) {
    bytes file = {0}, graph = {0};
    for (int i = 0; i < 100000; i++) {
        bytes node = {0};
        proto_text(&node, 4, "LSTM");
        proto_message(&graph, 1, &node);
    }
    proto_number(&file, 1, 8);
    proto_message(&file, 7, &graph);
    load_refused_bytes(&file, "it has 100000 LSTM nodes; at most 1024 are read");
    load_within(&file, 64 * file.count);
    bytes_free(&file);
}
END_TEST

static void add_weights(bytes *graph, const char *name, int64_t columns, size_t elements) {
    static const float zeros[4 * 4096];
    bytes tensor = {0};
    proto_number(&tensor, 1, 1);
    proto_number(&tensor, 1, 4);
    proto_number(&tensor, 1, (uint64_t)columns);
    proto_number(&tensor, 2, 1);
    proto_text(&tensor, 8, name);
    proto_bytes(&tensor, 9, zeros, elements * sizeof zeros[0]);
    proto_message(graph, 5, &tensor);
}

// Many nodes that share one large matrix.
START_TEST(shared_weights) {
    bytes file = {0}, graph = {0};
    for (int i = 0; i < 1000; i++) {
        bytes node = {0};
        proto_text(&node, 1, "x");
        proto_text(&node, 1, "w");
        proto_text(&node, 1, "r");
        proto_text(&node, 4, "LSTM");
        proto_message(&graph, 1, &node);
    }
    add_weights(&graph, "w", 4096, 4 * 4096);
    add_weights(&graph, "r", 1, 4);
    proto_number(&file, 1, 8);
    proto_message(&file, 7, &graph);
    load_refused_bytes(&file, "its nodes share weights that would unfold to more than");
    load_within(&file, 128 * file.count);
    bytes_free(&file);
}
END_TEST

// The same in a state dict: tied weights, over and over.
START_TEST(tied_weights) {
    static const float zeros[4096];
    bytes object = {0}, storage = {0}, file = {0};
    const pickle_tensor large = {.type = "FloatStorage", .key = "0", .elements = 4096, .rank = 1, .shape = {4096}, .strides = {1}};
    put_text(&object, "\x80\x02}(");
    pickle_text(&object, "first");
    pickle_put_tensor(&object, &large);
    put(&object, "q\x01", 2);
    for (int i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        pickle_text(&object, name);
        put(&object, "h\x01", 2);
    }
    put_text(&object, "u.");
    put(&storage, zeros, sizeof zeros);
    put_legacy(&file, &object, "0", 4096, &storage);
    load_refused_bytes(&file, "would unfold to more than");
    load_within(&file, 64 * file.count);
    bytes_free(&file);
    bytes_free(&object);
    bytes_free(&storage);
}
END_TEST

START_TEST(json_of_many_values) {
    static const char *const parts[] = {"[", "{},", "0,", "\"\","};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        bytes text = {0}, file = {0};
        put_text(&text, "{\"a\":[");
        while (text.count < (size_t)1 << 20)
            put_text(&text, parts[i]);
        put_text(&text, "0]}");
        put_number(&file, text.count, 8);
        put_block(&file, &text);
        load_refused_bytes(&file, "");
        load_within(&file, 256 * file.count);
        bytes_free(&text);
        bytes_free(&file);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("load_memory");
    TCase *tcase = file_case(suite, "memory");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, one_long_key_of_many_entries);
    tcase_add_test(tcase, memory_of_many_values);
    tcase_add_test(tcase, many_storages);
    tcase_add_test(tcase, many_tiny_messages);
    tcase_add_test(tcase, many_lstm_nodes);
    tcase_add_test(tcase, shared_weights);
    tcase_add_test(tcase, tied_weights);
    tcase_add_test(tcase, json_of_many_values);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
