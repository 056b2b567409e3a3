// SPDX-License-Identifier: Apache-2.0
// The reader of Python pickles, called directly: what each instruction makes, and what is refused. That nothing is executed follows from there being
// nothing that could; the names in question are refused by name.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load_fixture.h"
#include "model/pickle.h"
#include "runner.h"

#define BYTES(text) text, sizeof text - 1

static pickle read_good(const char *text, size_t count) {
    pickle tree;
    oclstm_error error = {.message = "none"};
    unsigned char *copy = malloc(count + 1); // no larger than it is, so that a byte too far is seen
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, count);
    const oclstm_status status = pickle_read(&tree, copy, count, "p", &error);
    ck_assert_msg(status == OCLSTM_OK, "%s", error.message);
    ck_assert_uint_lt(tree.root, tree.count);
    ck_assert_uint_eq(tree.consumed, count);
    free(copy);
    return tree;
}

static void refuse(const char *text, size_t count, const char *words) {
    pickle tree;
    oclstm_error error = {.message = ""};
    unsigned char *copy = malloc(count + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, count);
    const oclstm_status status = pickle_read(&tree, copy, count, "p", &error);
    ck_assert_msg(status == OCLSTM_FORMAT, "%s, expected '%s'", oclstm_status_name(status), words);
    ck_assert_msg(strstr(error.message, words) != NULL, "'%s' lacks '%s'", error.message, words);
    ck_assert_ptr_nonnull(strstr(error.message, "'p'"));
    pickle_free(&tree);
    ck_assert_ptr_null(tree.values);
    free(copy);
}

// --- what is read -------------------------------------------------------------------------------------------------------

typedef struct number_case {
    const char *text;
    size_t count;
    pickle_kind kind;
    int64_t number;
} number_case;

static const number_case numbers[] = {
    {BYTES("N."), PICKLE_NONE, 0},
    {BYTES("\x80\x02\x88."), PICKLE_BOOL, 1},
    {BYTES("\x80\x05\x89."), PICKLE_BOOL, 0},
    {BYTES("K\xff."), PICKLE_INT, 255},
    {BYTES("M\xff\xff."), PICKLE_INT, 65535},
    {BYTES("J\xff\xff\xff\xff."), PICKLE_INT, -1},
    {BYTES("J\x00\x00\x00\x80."), PICKLE_INT, INT32_MIN},
    {BYTES("\x8a\x00."), PICKLE_INT, 0}, // no byte at all is 0
    {BYTES("\x8a\x01\xff."), PICKLE_INT, -1},
    {BYTES("\x8a\x02\xff\x00."), PICKLE_INT, 255},
    {BYTES("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80."), PICKLE_INT, INT64_MIN},
    {BYTES("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f."), PICKLE_INT, INT64_MAX},
    {BYTES("\x8b\x02\x00\x00\x00\x00\x01."), PICKLE_INT, 256},
    {BYTES("I42\n."), PICKLE_INT, 42},
    {BYTES("I00\n."), PICKLE_BOOL, 0},
    {BYTES("I01\n."), PICKLE_BOOL, 1},
    {BYTES("I-7\n."), PICKLE_INT, -7},
    {BYTES("L9223372036854775807L\n."), PICKLE_INT, INT64_MAX},
    {BYTES("ccollections\nOrderedDict\n."), PICKLE_GLOBAL, GLOBAL_ORDERED_DICT},
    {BYTES("\x8c\x05torch\x8c\x0c"
           "FloatStorage\x93."),
     PICKLE_GLOBAL, GLOBAL_STORAGE + OCLSTM_F32},
    {BYTES("\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00K\x07."), PICKLE_INT, 7},
    {BYTES("K\x01K\x02\x30."), PICKLE_INT, 1},       // dropped
    {BYTES("K\x01(K\x02K\x03\x31."), PICKLE_INT, 1}, // dropped to the mark
    {BYTES("K\x09q\x00\x30h\x00."), PICKLE_INT, 9},  // remembered
    {BYTES("K\x09r\x02\x00\x00\x00\x30j\x02\x00\x00\x00."), PICKLE_INT, 9},
    {BYTES("K\x09\x94\x30K\x08\x94\x30h\x01."), PICKLE_INT, 8},
    {BYTES("K\x09p1\n\x30g1\n."), PICKLE_INT, 9},
};

START_TEST(numbers_and_constants) {
    const number_case *one = &numbers[_i];
    pickle tree = read_good(one->text, one->count);
    ck_assert_int_eq(tree.values[tree.root].kind, one->kind);
    if (one->kind != PICKLE_NONE)
        ck_assert_int_eq(tree.values[tree.root].number, one->number);
    pickle_free(&tree);
}
END_TEST

START_TEST(reals) {
    pickle tree = read_good(BYTES("G\xbf\xf8\x00\x00\x00\x00\x00\x00."));
    ck_assert(tree.values[tree.root].kind == PICKLE_FLOAT && tree.values[tree.root].real == -1.5);
    pickle_free(&tree);
    tree = read_good(BYTES("F2.5e1\n."));
    ck_assert(tree.values[tree.root].kind == PICKLE_FLOAT && tree.values[tree.root].real == 25);
    pickle_free(&tree);
}
END_TEST

// Beyond 64 bits: kept as its bytes, 255 of them too.
START_TEST(long_numbers) {
    char text[300] = "\x8a\xff";
    memset(text + 2, 0x55, 255);
    text[257] = '.';
    pickle tree = read_good(text, 258);
    ck_assert_int_eq(tree.values[tree.root].kind, PICKLE_LONG);
    ck_assert_uint_eq(tree.values[tree.root].count, 255);
    pickle_free(&tree);
    refuse(text, 257, "no end");
    refuse(text, 256, "truncated");
}
END_TEST

static const struct {
    const char *text;
    size_t count;
} texts[] = {
    {BYTES("X\x03\x00\x00\x00"
           "abc.")},
    {BYTES("\x8c\x03"
           "abc.")},
    {BYTES("\x8d\x03\x00\x00\x00\x00\x00\x00\x00"
           "abc.")},
    {BYTES("U\x03"
           "abc.")},
    {BYTES("T\x03\x00\x00\x00"
           "abc.")},
    {BYTES("C\x03"
           "abc.")},
    {BYTES("B\x03\x00\x00\x00"
           "abc.")},
    {BYTES("\x8e\x03\x00\x00\x00\x00\x00\x00\x00"
           "abc.")},
};

START_TEST(texts_of_every_length_field) {
    bytes copy = {0};
    pickle tree;
    put(&copy, texts[_i].text, texts[_i].count);
    ck_assert_int_eq(pickle_read(&tree, copy.data, copy.count, "p", NULL), OCLSTM_OK);
    ck_assert(pickle_is_text(&tree.values[tree.root], "abc"));
    pickle_free(&tree);
    const size_t width = copy.count - 5; // of the length: instruction, length, "abc", end
    const struct {
        uint64_t length;
        const char *words;
    } lengths[] = {
        {4, "no end"}, {5, "truncated"}, {UINT64_MAX, "truncated"}, {UINT64_MAX - 1, "truncated"}, {INT64_MAX, "truncated"}};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t at = 0; at < width; at++)
            copy.data[1 + at] = (unsigned char)(lengths[i].length >> (8 * at));
        refuse((const char *)copy.data, copy.count, lengths[i].words);
    }
    bytes_free(&copy);
}
END_TEST

START_TEST(collections_of_every_form) {
    static const struct {
        const char *text;
        size_t count;
        pickle_kind kind;
        uint32_t items;
    } cases[] = {
        {BYTES(")."), PICKLE_TUPLE, 0},
        {BYTES("K\x01\x85."), PICKLE_TUPLE, 1},
        {BYTES("K\x01K\x02\x86."), PICKLE_TUPLE, 2},
        {BYTES("K\x01K\x02K\x03\x87."), PICKLE_TUPLE, 3},
        {BYTES("(K\x01K\x02K\x03K\x04t."), PICKLE_TUPLE, 4},
        {BYTES("(t."), PICKLE_TUPLE, 0},
        {BYTES("]."), PICKLE_LIST, 0},
        {BYTES("(K\x01l."), PICKLE_LIST, 1},
        {BYTES("]K\x01"
               "a(K\x02K\x03"
               "e."),
         PICKLE_LIST, 3},
        {BYTES("}."), PICKLE_DICT, 0},
        {BYTES("(K\x01K\x02"
               "d."),
         PICKLE_DICT, 2},
        {BYTES("}K\x01K\x02s(K\x03K\x04K\x05K\x06u."), PICKLE_DICT, 6},
        {BYTES("ccollections\nOrderedDict\n)R."), PICKLE_DICT, 0},
        {BYTES("ccollections\nOrderedDict\n(](K\x01K\x02\x86K\x03K\x04\x86"
               "etR."),
         PICKLE_DICT, 4},
        {BYTES("ccollections\nOrderedDict\n)R}b."), PICKLE_DICT, 0}, // attributes are passed over
        {BYTES("ctorch\nSize\n((K\x01K\x02ttR."), PICKLE_TUPLE, 2},
        {BYTES("ctorch._utils\n_rebuild_parameter\n(K\x05tR."), PICKLE_INT, 0},
        {BYTES("ctorch._utils\n_rebuild_tensor\n(K\x05tR."), PICKLE_TENSOR, 1},
        {BYTES("K\x05Q."), PICKLE_STORAGE, 1},
        {BYTES("}q\x00K\x01h\x00s."), PICKLE_DICT, 2}, // within itself
        {BYTES("]2a."), PICKLE_LIST, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pickle tree = read_good(cases[i].text, cases[i].count);
        const pickle_value *root = &tree.values[tree.root];
        ck_assert_msg(root->kind == cases[i].kind && root->count == cases[i].items, "case %zu: kind %d, %u items", i, root->kind,
                      root->count);
        pickle_free(&tree);
    }
}
END_TEST

// --- what is refused ----------------------------------------------------------------------------------------------------

typedef struct refusal {
    const char *text;
    size_t count;
    const char *words;
} refusal;

static const refusal names[] = {
    {BYTES("cposix\nsystem\n(X\x02\x00\x00\x00lstR."), "'posix.system'"},
    {BYTES("cnt\nsystem\n."), "'nt.system'"},
    {BYTES("cos\nsystem\n."), "'os.system'"},
    {BYTES("csubprocess\nPopen\n."), "'subprocess.Popen'"},
    {BYTES("cbuiltins\neval\n."), "'builtins.eval'"},
    {BYTES("c__builtin__\nexec\n."), "'__builtin__.exec'"},
    {BYTES("c__main__\nX\n."), "'__main__.X'"},
    {BYTES("ctorch\nload\n."), "'torch.load'"},
    {BYTES("ctorch.nn.modules.rnn\nLSTM\n."), "'torch.nn.modules.rnn.LSTM'"},
    {BYTES("\x8c\x05posix\x8c\x06system\x93."), "'posix.system'"},
    {BYTES("X\x08\x00\x00\x00"
           "builtinsX\x04\x00\x00\x00"
           "eval\x93."),
     "'builtins.eval'"},
    {BYTES("ctorch\nFloatStorag\n."), "'torch.FloatStorag'"},
    {BYTES("ctorch\nFloatStorage2\n."), "'torch.FloatStorage2'"},
    {BYTES("ccollections\nOrderedDict.clear\n."), "'collections.OrderedDict.clear'"},
    {BYTES("ccollections\nOrderedDict\0\n."), "refused"},
    {BYTES("c\n\n."), "'.'"},
    {BYTES("c\x1b[2J\nx\n."), "'?[2J.x'"}, // nothing for the terminal
};

START_TEST(names_outside_the_list) { refuse(names[_i].text, names[_i].count, names[_i].words); }
END_TEST

START_TEST(every_other_instruction) {
    static const char read[] = "(.012FGIJKLMNQRTUXBC]abcdeghjlpqrstu})\x80\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x93\x94\x95";
    int refused = 0;
    for (int opcode = 0; opcode < 256; opcode++) {
        char text[] = "?.", words[80];
        text[0] = (char)opcode;
        if (opcode != 0 && strchr(read, opcode) != NULL)
            continue;
        snprintf(words, sizeof words, "the instruction 0x%02x at byte 0, which a file of tensors has no use for", opcode);
        refuse(text, 2, words);
        refused++;
    }
    ck_assert_int_eq(refused, 256 - (int)strlen(read));
}
END_TEST

static const refusal damages[] = {
    {BYTES(""), "no end"},
    {BYTES("N"), "no end"},
    {BYTES("."), "does not leave one value"},
    {BYTES("NN."), "does not leave one value"},
    {BYTES("(N."), "does not leave one value"},
    {BYTES("0."), "nothing to drop"},
    {BYTES("N(0."), "nothing to drop"}, // below the mark
    {BYTES("1."), "a mark that is missing"},
    {BYTES("Nt."), "a mark that is missing"},
    {BYTES("Nl."), "a mark that is missing"},
    {BYTES("Nd."), "a mark that is missing"},
    {BYTES("]e."), "a mark that is missing"},
    {BYTES("}u."), "a mark that is missing"},
    {BYTES("2."), "nothing to repeat"},
    {BYTES("\x85."), "more values than there are"},
    {BYTES("N\x86."), "more values than there are"},
    {BYTES("NN(\x87."), "more values than there are"},
    {BYTES("(Nd."), "a key without a value"},
    {BYTES("}(Nu."), "a key without a value"},
    {BYTES("Na."), "no list"},
    {BYTES("}Na."), "no list"},
    {BYTES("(e."), "no list"},
    {BYTES("]NNs."), "no dictionary"},
    {BYTES("NNs."), "no dictionary"},
    {BYTES("](NNu."), "no dictionary"},
    {BYTES("R."), "a call without function"},
    {BYTES("N)R."), "no function"},
    {BYTES(")NR."), "no function"},
    {BYTES("ccollections\nOrderedDict\nNR."), "no function"},
    {BYTES("ctorch\nFloatStorage\n)R."), "a call of a storage type"},
    {BYTES("ctorch\nSize\n)R."), "too few arguments"},
    {BYTES("ctorch._utils\n_rebuild_parameter\n)R."), "too few arguments"},
    {BYTES("ccollections\nOrderedDict\n(NtR."), "something else than a list"},
    {BYTES("ccollections\nOrderedDict\n(](NetR."), "something else than pairs"},
    {BYTES("ccollections\nOrderedDict\n(](N\x85"
           "etR."),
     "something else than pairs"},
    {BYTES("b."), "attributes of something"},
    {BYTES("NNb."), "attributes of something"},
    {BYTES("Q."), "a persistent id that is missing"},
    {BYTES("\x93."), "a name without its two parts"},
    {BYTES("NN\x93."), "a name that is no text"},
    {BYTES("X\x00\x00\x00\x00N\x93."), "a name that is no text"},
    {BYTES("q\x00."), "nothing to remember"},
    {BYTES("\x94."), "nothing to remember"},
    {BYTES("h\x00."), "never set"},
    {BYTES("j\xff\xff\xff\xff."), "never set"},
    {BYTES("Nr\xff\xff\xff\xff."), "beyond the length of the stream"},
    {BYTES("Nr\xfe\xff\xff\xff."), "beyond the length of the stream"},
    {BYTES("Nq\xff."), "beyond the length of the stream"},
    {BYTES("Np9223372036854775807\n."), "beyond the length of the stream"},
    {BYTES("Np-1\n."), "a memo number that is none"},
    {BYTES("Np\n."), "empty or too long"},
    {BYTES("g9223372036854775807\n."), "never set"},
    {BYTES("g99999999999999999999\n."), "more than 64 bits"},
    {BYTES("I99999999999999999999\n."), "more than 64 bits"},
    {BYTES("L-99999999999999999999L\n."), "more than 64 bits"},
    {BYTES("I12x\n."), "a number that is none"},
    {BYTES("IL\n."), "a number that is none"},
    {BYTES("I1\0 7\n."), "a number that is none"}, // a zero within
    {BYTES("F1\0 7\n."), "a number that is none"},
    {BYTES("F1.2.3\n."), "a number that is none"},
    {BYTES("I000000000000000000000000000000000000000000000000000000000000000000000001\n."), "empty or too long"},
    {BYTES("I42"), "truncated"},
    {BYTES("cposix"), "truncated"},
    {BYTES("cposix\nsystem"), "truncated"},
    {BYTES("\x80"), "truncated"},
    {BYTES("\x95\x00"), "truncated"},
    {BYTES("G\x00"), "truncated"},
};

START_TEST(damaged_streams) { refuse(damages[_i].text, damages[_i].count, damages[_i].words); }
END_TEST

// --- sizes --------------------------------------------------------------------------------------------------------------

// Nothing recurses: depth is only a chain of numbers.
START_TEST(deep_nesting) {
    enum { DEPTH = 1000000 };
    static const char wrap[] = "\x85"; // a tuple of what is there
    bytes deep = {0};
    pickle tree;
    put_text(&deep, "N");
    for (int i = 0; i < DEPTH; i++)
        put(&deep, wrap, 1);
    put_text(&deep, ".");
    ck_assert_int_eq(pickle_read(&tree, deep.data, deep.count, "p", NULL), OCLSTM_OK);
    ck_assert_uint_eq(tree.count, DEPTH + 1);
    pickle_free(&tree);
    bytes_free(&deep);
    for (int i = 0; i < DEPTH; i++)
        put_text(&deep, "(");
    refuse((const char *)deep.data, deep.count, "no end");
    bytes_free(&deep);
}
END_TEST

// A list of many pairs, made a dictionary again and again: the copies would be a million times the stream.
START_TEST(copies_over_and_over) {
    bytes many = {0};
    put_text(&many, "ccollections\nOrderedDict\nq\x01(](");
    put_text(&many, "NN\x86q\x02");
    for (int i = 0; i < 10000; i++)
        put_text(&many, "h\x02");
    put_text(&many, "et");
    put(&many, "r\x03\x00\x00\x00R0", 7);
    for (int i = 0; i < 10000; i++)
        put_text(&many, "h\x01h\x03R0");
    put_text(&many, "N.");
    refuse((const char *)many.data, many.count, "copied over and over");
    bytes_free(&many);
    put_text(&many, "ctorch._utils\n_rebuild_tensor\nq\x01(");
    for (int i = 0; i < 10000; i++)
        put_text(&many, "N");
    put_text(&many, "tq\x02R0");
    for (int i = 0; i < 10000; i++)
        put_text(&many, "h\x01h\x02R0");
    put_text(&many, "N.");
    refuse((const char *)many.data, many.count, "copied over and over");
    bytes_free(&many);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("pickle");
    TCase *tcase = file_case(suite, "pickle");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, numbers_and_constants, 0, sizeof numbers / sizeof numbers[0]);
    tcase_add_test(tcase, reals);
    tcase_add_test(tcase, long_numbers);
    tcase_add_loop_test(tcase, texts_of_every_length_field, 0, sizeof texts / sizeof texts[0]);
    tcase_add_test(tcase, collections_of_every_form);
    tcase_add_loop_test(tcase, names_outside_the_list, 0, sizeof names / sizeof names[0]);
    tcase_add_test(tcase, every_other_instruction);
    tcase_add_loop_test(tcase, damaged_streams, 0, sizeof damages / sizeof damages[0]);
    tcase_add_test(tcase, deep_nesting);
    tcase_add_test(tcase, copies_over_and_over);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
