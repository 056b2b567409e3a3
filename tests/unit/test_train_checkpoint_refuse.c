// SPDX-License-Identifier: Apache-2.0
// Checkpoints that do not fit a trainer: refused, with what they have and what it has, before anything changes.
#include <stdio.h>
#include <string.h>

#include "checkpoint_fixture.h"
#include "device/device.h"
#include "file_fixture.h"
#include "model_fixture.h"
#include "runner.h"
#include "train/checkpoint_checksum.h"
#include "train/checkpoint_settings.h"

// Restoring fails, and changes nothing.
static void refuse(int line, oclstm_trainer *trainer, const oclstm_tensors *file, oclstm_status wanted, const char *const *texts) {
    oclstm_error error = {0};
    checkpoint_image before = checkpoint_image_take(trainer);
    const oclstm_status status = oclstm_trainer_restore(trainer, file, &error);
    checkpoint_image after = checkpoint_image_take(trainer);
    ck_assert_msg(status == wanted, "line %d: %s: %s", line, oclstm_status_name(status), error.message);
    ck_assert_msg(checkpoint_image_equal(&before, &after), "line %d: the trainer has changed", line);
    ck_assert_int_eq(oclstm_trainer_restore(trainer, file, NULL), wanted);
    for (; *texts != NULL; texts++)
        ck_assert_msg(strstr(error.message, *texts) != NULL, "line %d: \"%s\" lacks \"%s\"", line, error.message, *texts);
    checkpoint_image_free(&before);
    checkpoint_image_free(&after);
}
#define REFUSE(trainer, file, wanted, ...) refuse(__LINE__, trainer, file, wanted, (const char *const[]){__VA_ARGS__, NULL})

static oclstm_tensors *save_case(const checkpoint_case *c) {
    oclstm_trainer *trainer = checkpoint_make(c);
    checkpoint_step(trainer, 0);
    checkpoint_evaluate(trainer, 0);
    checkpoint_save(trainer, file_path("base.ckpt"));
    oclstm_trainer_destroy(&trainer);
    return checkpoint_open(file_path("base.ckpt"));
}

START_TEST(other_settings) {
    oclstm_tensors *file = save_case(&checkpoint_cases[0]);
    static const char *const words[] = {"seed 18364758544493064720, the trainer has 9",
                                        "dropout 0.25, the trainer has 0.5",
                                        "optimizer adam, the trainer has sgd",
                                        "beta1 0.9, the trainer has 0.5",
                                        "beta2 0.999, the trainer has 0.5",
                                        "eps 1e-08, the trainer has 0.5",
                                        "weight_decay 0, the trainer has 0.1",
                                        "clip_norm 1.5, the trainer has 0",
                                        "ignore_index none, the trainer has -100",
                                        "optimizer adam, the trainer has adamw"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        oclstm_trainer_params params = checkpoint_params(&checkpoint_cases[0]);
        params.seed = i == 0 ? 9 : params.seed;
        params.dropout = i == 1 ? 0.5 : params.dropout;
        params.optimizer.kind = i == 2 ? OCLSTM_OPTIMIZER_SGD : i == 9 ? OCLSTM_OPTIMIZER_ADAMW : params.optimizer.kind;
        params.optimizer.beta1 = i == 3 ? 0.5 : params.optimizer.beta1;
        params.optimizer.beta2 = i == 4 ? 0.5 : params.optimizer.beta2;
        params.optimizer.eps = i == 5 ? 0.5 : params.optimizer.eps;
        params.optimizer.weight_decay = i == 6 ? 0.1 : params.optimizer.weight_decay;
        params.optimizer.clip_norm = i == 7 ? 0 : params.optimizer.clip_norm;
        params.has_ignore_index = i == 8;
        params.ignore_index = i == 8 ? -100 : 0;
        oclstm_trainer *trainer = checkpoint_trainer(checkpoint_cases[0].layers, params);
        REFUSE(trainer, file, OCLSTM_INVALID_ARGUMENT, "base.ckpt' has ", words[i]);
        oclstm_trainer_destroy(&trainer);
    }
    oclstm_trainer_params params = checkpoint_params(&checkpoint_cases[0]);
    params.loss = OCLSTM_LOSS_BCE;
    oclstm_trainer *trainer = checkpoint_trainer(checkpoint_cases[0].layers, params);
    REFUSE(trainer, file, OCLSTM_INVALID_ARGUMENT, "has loss cross-entropy, the trainer has bce");
    oclstm_trainer_destroy(&trainer);
    if (device_get_limits(checkpoint_device())->has_fp64) {
        params = checkpoint_params(&checkpoint_cases[0]);
        params.dtype = OCLSTM_F64;
        trainer = checkpoint_trainer(checkpoint_cases[0].layers, params);
        REFUSE(trainer, file, OCLSTM_INVALID_ARGUMENT, "has dtype float32, the trainer has float64");
        oclstm_trainer_destroy(&trainer);
    }
    oclstm_tensors_close(&file);
}
END_TEST

START_TEST(other_models) {
    static const struct {
        const char *layers, *words;
    } others[] = {
        {"embed 11 6, lstm 8 layers 2, linear 11",
         "its layer 2 is 'lstm: lstm 6 7 layers 2', the trainer's is 'lstm: lstm 6 8 layers 2'"},
        {"embed 11 6, lstm 7, linear 11", "its layer 2 is 'lstm: lstm 6 7 layers 2', the trainer's is 'lstm: lstm 6 7'"},
        {"embed 11 6, rnn: lstm 7 layers 2, linear 11", "the trainer's is 'rnn: lstm 6 7 layers 2'"},
        {"embed 11 6, lstm 7 layers 2 nobias, linear 11", "the trainer's is 'lstm: lstm 6 7 layers 2 nobias'"},
        {"embed 11 6, lstm 7 layers 2 proj 3, linear 11", "the trainer's is 'lstm: lstm 6 7 layers 2 proj 3'"},
        {"embed 11 6, lstm 7 layers 2 bidirectional, linear 11", "the trainer's is 'lstm: lstm 6 7 layers 2 bidirectional'"},
        {"embed 11 6, lstm 7 layers 2, relu, linear 11", "its layer 3 is 'linear: linear 7 11', the trainer's is 'relu'"},
        {"embed 11 6, lstm 7 layers 2", "its layer 3 is 'linear: linear 7 11', the trainer's is not there"},
        {"embed 11 6, lstm 7 layers 2, linear 11, relu", "its layer 4 is not there, the trainer's is 'relu'"},
        {"embed 12 6, lstm 7 layers 2, linear 11", "its layer 1 is 'embed: embed 11 6', the trainer's is 'embed: embed 12 6'"},
        {"lstm 11 7 layers 2, linear 11", "its layer 1 is 'embed: embed 11 6', the trainer's is 'lstm: lstm 11 7 layers 2'"},
    };
    oclstm_tensors *file = save_case(&checkpoint_cases[0]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        oclstm_trainer *trainer = checkpoint_trainer(others[i].layers, checkpoint_params(&checkpoint_cases[0]));
        REFUSE(trainer, file, OCLSTM_INVALID_ARGUMENT, "of another model", others[i].words);
        oclstm_trainer_destroy(&trainer);
    }
    oclstm_tensors_close(&file);
}
END_TEST

START_TEST(no_checkpoint) {
    oclstm_error error = {0};
    oclstm_trainer *trainer = checkpoint_make(&checkpoint_cases[0]);
    ck_assert_int_eq(oclstm_trainer_write(trainer, file_path("model"), NULL, 0, &error), OCLSTM_OK);
    oclstm_tensors *file = checkpoint_open(file_path("model"));
    REFUSE(trainer, file, OCLSTM_FORMAT, "model' is no checkpoint", "oclstm.checkpoint");
    oclstm_tensors_close(&file);
    ck_assert_int_eq(oclstm_trainer_restore(NULL, file, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_trainer_restore(trainer, NULL, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "oclstm_trainer_restore: checkpoint is NULL");
    oclstm_trainer_destroy(&trainer);
}
END_TEST

START_TEST(calls_that_are_wrong) {
    static const struct {
        oclstm_metadata entries[2];
        size_t count;
        const char *words;
        bool may_be_written; // a model file has fewer keys of its own
    } wrong[] = {{{{"oclstm.layers", "x"}}, 1, "oclstm.layers", false},
                 {{{"oclstm.anything", "x"}}, 1, "begins with 'oclstm.'", true},
                 {{{"a", "1"}, {"a", "2"}}, 2, "twice", false},
                 {{{NULL, "1"}}, 1, "no key", false},
                 {{{"a", "1"}, {"b", NULL}}, 2, "metadata entry 1", false},
                 {{{"a", "\xff"}}, 1, "UTF-8", false}};
    oclstm_trainer *trainer = checkpoint_make(&checkpoint_cases[3]);
    oclstm_error error = {0};
    const char *path = file_path("never");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(oclstm_trainer_save(trainer, path, wrong[i].entries, wrong[i].count, &error), OCLSTM_INVALID_ARGUMENT);
        ck_assert_msg(strstr(error.message, wrong[i].words) != NULL, "\"%s\" lacks \"%s\"", error.message, wrong[i].words);
        if (!wrong[i].may_be_written)
            ck_assert_int_eq(oclstm_trainer_write(trainer, path, wrong[i].entries, wrong[i].count, NULL), OCLSTM_INVALID_ARGUMENT);
    }
    ck_assert_int_eq(oclstm_trainer_save(NULL, path, NULL, 0, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_trainer_save(trainer, NULL, NULL, 0, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_trainer_write(trainer, path, NULL, 1, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "oclstm_trainer_write: metadata is NULL");
    ck_assert_int_eq(oclstm_trainer_write(trainer, file_path("missing/x"), NULL, 0, &error), OCLSTM_IO);
    ck_assert_int_eq(file_count(), 0);
    oclstm_trainer_destroy(&trainer);
}
END_TEST

// A layer's name that a list of layers cannot say.
START_TEST(names_with_commas) {
    static model_fixture m;
    oclstm_error error = {0};
    MODEL_LSTM(&m, .prefix = "a,b.", .input = 3, .hidden = 4);
    oclstm_tensors *file = model_open(&m);
    const oclstm_trainer_params params = {.optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM)};
    oclstm_trainer *trainer = checkpoint_trainer_of(file, params);
    oclstm_tensors_close(&file);
    ck_assert_int_eq(oclstm_trainer_write(trainer, file_path("comma"), NULL, 0, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.message, "layer 1 is called 'a,b'") != NULL, "%s", error.message);
    oclstm_trainer_destroy(&trainer);
}
END_TEST

// --- edited, with a checksum that is right --------------------------------------------------------------------------------

// The text with the first `from` in it replaced.
static const char *replace(const char *text, const char *from, const char *to) {
    static char out[8192];
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "\"%s\" lacks \"%s\"", text, from);
    snprintf(out, sizeof out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

START_TEST(edited_settings) {
    static const struct {
        const char *from, *to, *words;
        oclstm_status status;
    } edits[] = {
        {"version 1\n", "version 2\n", "is of version 2, expected version 1", OCLSTM_FORMAT},
        {"version 1\n", "version one\n", "no line 'version'", OCLSTM_FORMAT},
        {"version 1\n", "version\n", "no line 'version'", OCLSTM_FORMAT},
        {"version 1\n", "version 99999999999\n", "no line 'version'", OCLSTM_FORMAT},
        {"version 1\n", "", "no line 'version'", OCLSTM_FORMAT},
        {"steps 1\n", "steps -1\n", "no line 'steps'", OCLSTM_FORMAT},
        {"steps 1\n", "steps 1.5\n", "no line 'steps'", OCLSTM_FORMAT},
        {"steps 1\n", "steps 99999999999999999999\n", "no line 'steps'", OCLSTM_FORMAT},
        {"training_batch 3\n", "training_batch 4\n", "tensor 'oclstm.training.h' has ", OCLSTM_FORMAT},
        {"training_batch 3\n", "training_batch 2147483647\n", "tensor 'oclstm.training.h' has ", OCLSTM_FORMAT},
        {"training_batch 3\n", "training_batch 2147483648\n", "no line 'training_batch'", OCLSTM_FORMAT},
        {"training_batch 3\n", "training_batch\n", "no line 'training_batch'", OCLSTM_FORMAT},
        {"evaluation_batch 3\n", "evaluation_batch 2\n", "tensor 'oclstm.evaluation.h' has ", OCLSTM_FORMAT},
        {"evaluation_batch 3\n", "\n", "no line 'evaluation_batch'", OCLSTM_FORMAT},
        {"loss cross-entropy\n", "", "no line 'loss'", OCLSTM_FORMAT},
        {"beta2 ", "beta3 ", "no line 'beta2'", OCLSTM_FORMAT},
        {"beta2 0.999\n", "beta2 0.9990\n", "has beta2 0.9990, the trainer has 0.999", OCLSTM_INVALID_ARGUMENT},
        {"layer linear", "layers linear", "its layer 3 is not there", OCLSTM_INVALID_ARGUMENT},
        {"dtype", "layer relu\ndtype", "its layer 4 is 'relu', the trainer's is not there", OCLSTM_INVALID_ARGUMENT},
    };
    oclstm_tensors *file = save_case(&checkpoint_cases[0]);
    oclstm_tensors_close(&file);
    oclstm_trainer *trainer = checkpoint_make(&checkpoint_cases[0]);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        checkpoint_parts parts;
        checkpoint_parts_take(&parts, file_path("base.ckpt"));
        const char **value = checkpoint_parts_value(&parts, CHECKPOINT_KEY);
        *value = replace(*value, edits[i].from, edits[i].to);
        file = checkpoint_parts_write(&parts, file_path("edited.ckpt"));
        REFUSE(trainer, file, edits[i].status, "edited.ckpt'", edits[i].words);
        oclstm_tensors_close(&file);
        checkpoint_parts_drop(&parts);
    }
    oclstm_trainer_destroy(&trainer);
}
END_TEST

START_TEST(edited_tensors) {
    oclstm_tensors *file = save_case(&checkpoint_cases[0]);
    oclstm_tensors_close(&file);
    oclstm_trainer *trainer = checkpoint_make(&checkpoint_cases[0]);
    checkpoint_parts parts;
    checkpoint_parts_take(&parts, file_path("base.ckpt"));
    const size_t count = parts.count;
    checkpoint_parts_drop(&parts);
    for (size_t i = 0; i < count; i++) {
        char words[200];
        for (int edit = 0; edit < 4; edit++) {
            checkpoint_parts_take(&parts, file_path("base.ckpt"));
            oclstm_const_array *array = &parts.arrays[i].array;
            const char *name = parts.arrays[i].name;
            snprintf(words, sizeof words, edit < 2 ? "lacks the tensor '%s'" : "tensor '%s' ", name);
            if (edit == 0) {
                parts.arrays[i] = parts.arrays[--parts.count];
            } else if (edit == 1) {
                parts.arrays[i].name = "other";
            } else if (edit == 2) {
                array->dtype = OCLSTM_I32;
            } else {
                array->shape[array->rank++] = 1;
            }
            if (edit < 2 && strncmp(name, "oclstm.", 7) == 0)
                snprintf(words, sizeof words, "lacks the tensor '%s'", name);
            file = checkpoint_parts_write(&parts, file_path("edited.ckpt"));
            REFUSE(trainer, file, OCLSTM_FORMAT, "edited.ckpt'", words);
            oclstm_tensors_close(&file);
            checkpoint_parts_drop(&parts);
        }
    }
    oclstm_trainer_destroy(&trainer);
}
END_TEST

// --- the checksum -------------------------------------------------------------------------------------------------------

START_TEST(the_checksum_covers_everything) {
    static const float values[6] = {1, 2, 3, 4, 5, 6}, others[6] = {1, 2, 3, 4, 5, 7};
    const oclstm_named_array arrays[2] = {{"a", {values, OCLSTM_F32, 2, {2, 3}}}, {"b", {values, OCLSTM_F32, 1, {6}}}};
    const oclstm_metadata entries[2] = {{"key", "value"}, {"other", ""}};
    checkpoint_checksum first, sum;
    oclstm_error error = {0};
    ck_assert_int_eq(checkpoint_checksum_arrays(&first, arrays, 2, entries, 2, &error), OCLSTM_OK);
    ck_assert_msg(strncmp(first.text, "crc32:", 6) == 0 && strlen(first.text) == 14, "%s", first.text);
    enum { CHANGES = 11 };
    for (int change = 0; change < CHANGES; change++) {
        oclstm_named_array a[2] = {arrays[0], arrays[1]};
        oclstm_metadata e[2] = {entries[0], entries[1]};
        size_t count = 2, entry_count = 2;
        switch (change) {
        case 0: // the order alone
            a[0] = arrays[1], a[1] = arrays[0];
            e[0] = entries[1], e[1] = entries[0];
            break;
        case 1:
            a[0].array.dtype = OCLSTM_I32;
            break;
        case 2:
            a[0].array.shape[0] = 3, a[0].array.shape[1] = 2;
            break;
        case 3:
            a[0].name = "c";
            break;
        case 4:
            a[1].array.data = others;
            break;
        case 5:
            e[0].key = "keyv", e[0].value = "alue";
            break;
        case 6:
            e[0].value = "valuE";
            break;
        case 7:
            entry_count = 1;
            break;
        case 8:
            count = 1;
            break;
        case 9:
            a[0].name = "b", a[1].name = "a";
            break;
        default:
            e[1].value = "x";
        }
        ck_assert_int_eq(checkpoint_checksum_arrays(&sum, a, count, e, entry_count, &error), OCLSTM_OK);
        ck_assert_msg((strcmp(sum.text, first.text) == 0) == (change == 0), "change %d: %s", change, sum.text);
        // A file of it has the same one.
        ck_assert_int_eq(oclstm_tensors_write(file_path("sum"), OCLSTM_SAFETENSORS, a, count, e, entry_count, &error), OCLSTM_OK);
        checkpoint_checksum read;
        oclstm_tensors *file = checkpoint_open(file_path("sum"));
        ck_assert_int_eq(checkpoint_checksum_file(&read, file, &error), OCLSTM_OK);
        ck_assert_str_eq(read.text, sum.text);
        oclstm_tensors_close(&file);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train_checkpoint_refuse");
    TCase *calls = file_case(suite, "calls");
    tcase_add_test(calls, calls_that_are_wrong);
    TCase *refused = file_case(suite, "refused");
    tcase_add_test(refused, other_settings);
    tcase_add_test(refused, other_models);
    tcase_add_test(refused, no_checkpoint);
    tcase_add_test(refused, names_with_commas);
    tcase_add_test(refused, edited_settings);
    tcase_add_test(refused, edited_tensors);
    tcase_add_test(refused, the_checksum_covers_everything);
    tcase_add_unchecked_fixture(refused, NULL, checkpoint_device_close); // the last one
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
