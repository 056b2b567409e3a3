// SPDX-License-Identifier: Apache-2.0
// The disk cache of kernels without a device: distrust, the limit, many writers. The format: test_kernel_entry.c.
#define _XOPEN_SOURCE 700 // nftw
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <oclstm/kernels.h>

#include "device/kernel_cache.h"
#include "kernel_cache_fixture.h"
#include "runner.h"

static temporary_dir dir;
static char why[512];
static oclstm_error error;
static const unsigned char binary[] = {0, 1, 2, 250, ';', '\n', 0, 77};
static const kernel_key key = {{"0.1.0", "ACME CL", "OpenCL 1.2 x", "ACME #1", "OpenCL 1.2 y", "7.1", "a.cl b.cl", "-D A", "text"}};

static void make_dir(void) { cache_dir_make(&dir); }
static void remove_dir(void) { cache_dir_remove(&dir); }

// The path of the one entry for the key.
static const char *path_of(const kernel_key *of) {
    static char path[512];
    snprintf(path, sizeof path, "%s/kernels/%016llx.clbin", dir.path, (unsigned long long)kernel_key_hash(of));
    return path;
}

static void store(const kernel_key *what) {
    ck_assert_msg(kernel_cache_store(what, "one;two", binary, sizeof binary, why, sizeof why), "%s", why);
}

static bool finds(const kernel_key *what) {
    kernel_entry entry;
    unsigned char *bytes = kernel_cache_find(&entry, what, why, sizeof why);
    if (bytes == NULL)
        return false;
    ck_assert_uint_eq(entry.binary.length, sizeof binary);
    ck_assert_int_eq(memcmp(entry.binary.bytes, binary, sizeof binary), 0);
    ck_assert_uint_eq(entry.names.length, 7);
    free(bytes);
    return true;
}

static void expect_unused(const char *text) {
    ck_assert_msg(!finds(&key), "used, but: %s", text);
    ck_assert_msg(strstr(why, text) != NULL && strstr(why, dir.path) != NULL, "'%s' is not in: %s", text, why);
}

static void write_bytes(const char *path, const void *bytes, size_t length) {
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, bytes, length), (ssize_t)length);
    close(file);
}

// --- the folder -------------------------------------------------------------------------------------------------------

START_TEST(what_is_kept_is_found) {
    struct stat facts;
    kernel_key other = key;
    other.parts[KEY_DRIVER] = "7.2";
    ck_assert(!finds(&key));
    ck_assert_str_eq(why, "");
    store(&key);
    ck_assert(finds(&key));
    ck_assert(!finds(&other));
    ck_assert_str_eq(why, "");
    ck_assert_int_eq(stat(path_of(&key), &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0777, 0600);
    char folder[512];
    snprintf(folder, sizeof folder, "%s/kernels", dir.path);
    ck_assert_int_eq(stat(folder, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0777, 0700);
}
END_TEST

START_TEST(an_entry_that_is_not_to_be_trusted) {
    store(&key);
    ck_assert_int_eq(chmod(path_of(&key), 0622), 0);
    expect_unused("others may write it");
    ck_assert_int_eq(chmod(path_of(&key), 0620), 0);
    expect_unused("others may write it");
    ck_assert_int_eq(chmod(path_of(&key), 0644), 0);
    ck_assert(finds(&key));
    if (geteuid() == 0) { // only root can give a file away
        ck_assert_int_eq(chown(path_of(&key), 12345, 12345), 0);
        expect_unused("it belongs to another user");
        ck_assert_int_eq(chown(path_of(&key), 0, 0), 0);
        ck_assert(finds(&key));
    }
    char moved[600];
    snprintf(moved, sizeof moved, "%s/moved", dir.path);
    ck_assert_int_eq(rename(path_of(&key), moved), 0);
    ck_assert_int_eq(symlink(moved, path_of(&key)), 0);
    expect_unused("it cannot be opened");
    ck_assert_int_eq(unlink(path_of(&key)), 0);
    ck_assert_int_eq(mkfifo(path_of(&key), 0600), 0);
    expect_unused("it is no file");
    store(&key); // takes its place
    ck_assert(finds(&key));
    ck_assert_int_eq(unlink(path_of(&key)), 0);
    ck_assert_int_eq(mkdir(path_of(&key), 0700), 0);
    expect_unused("it is no file");
    ck_assert(!kernel_cache_store(&key, "one", binary, sizeof binary, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "cannot write"));
}
END_TEST

START_TEST(an_entry_of_another_key_or_of_none) {
    size_t length;
    kernel_key other = key;
    other.parts[KEY_SOURCE] = "another text";
    store(&key);
    unsigned char *bytes = kernel_entry_format(&other, "one;two", binary, sizeof binary, &length);
    write_bytes(path_of(&key), bytes, length); // as if both hashed alike
    expect_unused("it was made from something else");
    write_bytes(path_of(&key), bytes, length - 1);
    expect_unused("cut off");
    write_bytes(path_of(&key), bytes, 0);
    expect_unused("it is empty");
    write_bytes(path_of(&key), "OCLSTMK", 7);
    expect_unused("cut off");
    write_bytes(path_of(&key), "a text of no kind that is long enough to have a header", 54);
    expect_unused("no entry of this format");
    free(bytes);
    store(&key);
    ck_assert(finds(&key));
}
END_TEST

START_TEST(a_folder_that_cannot_be_written) {
    char folder[512];
    snprintf(folder, sizeof folder, "%s/kernels", dir.path);
    write_bytes(folder, "a file", 6);
    ck_assert(!kernel_cache_store(&key, "one", binary, sizeof binary, why, sizeof why));
    ck_assert_msg(strstr(why, "cannot write") != NULL && strstr(why, "mkstemp") != NULL, "%s", why);
    ck_assert(!finds(&key));
    setenv("OCLSTM_CACHE_DIR", "/proc/none", 1);
    ck_assert(!kernel_cache_store(&key, "one", binary, sizeof binary, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "/proc/none/kernels"));
    setenv("OCLSTM_CACHE_DIR", "", 1);
    ck_assert(!kernel_cache_store(&key, "one", binary, sizeof binary, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "no cache folder"));
    ck_assert(!finds(&key));
    char long_path[4096];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    setenv("OCLSTM_CACHE_DIR", long_path, 1);
    ck_assert(!kernel_cache_store(&key, "one", binary, sizeof binary, why, sizeof why));
    ck_assert(!finds(&key));
}
END_TEST

START_TEST(a_disk_that_is_full) {
    // A bound on a file's size stands for it. In a child, because it cannot be raised again.
    const pid_t child = fork();
    if (child == 0) {
        static unsigned char large[1 << 16];
        memset(large, 7, sizeof large);
        signal(SIGXFSZ, SIG_IGN);
        const struct rlimit bound = {4096, 4096};
        size_t count = 1;
        bool no_memory;
        char folder[512];
        if (setrlimit(RLIMIT_FSIZE, &bound) != 0 || kernel_cache_store(&key, "one", large, sizeof large, why, sizeof why) ||
            strstr(why, "write") == NULL || !kernel_cache_folder(folder, sizeof folder))
            _exit(1);
        kernel_cache_file *files = kernel_cache_files(folder, &count, &no_memory);
        _exit(files == NULL && count == 0 ? 0 : 2);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
}
END_TEST

// --- the limit --------------------------------------------------------------------------------------------------------

static kernel_key numbered(int number) {
    static char texts[64][16];
    kernel_key made = key;
    snprintf(texts[number], sizeof texts[number], "text %02d", number);
    made.parts[KEY_SOURCE] = texts[number];
    return made;
}

static void age(const char *path, time_t seconds) {
    const struct timespec times[2] = {{time(NULL) - seconds, 0}, {time(NULL) - seconds, 0}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(those_unused_longest_go_first) {
    size_t length;
    char limit[32];
    const kernel_key any = numbered(0);
    free(kernel_entry_format(&any, "one;two", binary, sizeof binary, &length));
    snprintf(limit, sizeof limit, "%zu", 3 * length);
    setenv("OCLSTM_CACHE_BYTES", limit, 1);
    for (int i = 0; i < 3; i++) {
        const kernel_key made = numbered(i);
        store(&made);
        age(path_of(&made), 1000 - 100 * i);
    }
    const kernel_key oldest = numbered(0), second = numbered(1), third = numbered(2), fourth = numbered(3);
    ck_assert(finds(&oldest)); // now the one used last
    store(&fourth);
    ck_assert(!finds(&second));
    ck_assert(finds(&oldest) && finds(&third) && finds(&fourth));

    snprintf(limit, sizeof limit, "%zu", length - 1);
    setenv("OCLSTM_CACHE_BYTES", limit, 1);
    ck_assert(!kernel_cache_store(&second, "one;two", binary, sizeof binary, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "over the limit"));
    setenv("OCLSTM_CACHE_BYTES", "0", 1);
    ck_assert(!kernel_cache_store(&second, "one;two", binary, sizeof binary, why, sizeof why));
    static const char *const none[] = {"", "-1", "many", "1x", "99999999999999999999999"}; // the default
    for (int i = 0; i < 5; i++) {
        setenv("OCLSTM_CACHE_BYTES", none[i], 1);
        store(&second);
    }
}
END_TEST

START_TEST(what_a_killed_writer_left) {
    char young[600], old[600], foreign[600];
    store(&key);
    snprintf(young, sizeof young, "%s.abcdef", path_of(&key));
    snprintf(old, sizeof old, "%s.XyZ123", path_of(&key));
    snprintf(foreign, sizeof foreign, "%s/kernels/notes.txt", dir.path);
    write_bytes(young, "x", 1);
    write_bytes(old, "x", 1);
    write_bytes(foreign, "x", 1);
    age(old, 7200);
    age(foreign, 7200);
    store(&key);
    ck_assert_int_eq(access(young, F_OK), 0);
    ck_assert_int_ne(access(old, F_OK), 0);
    ck_assert_int_eq(access(foreign, F_OK), 0);
}
END_TEST

// --- many writers -----------------------------------------------------------------------------------------------------

enum { WRITERS = 4, KEYS = 3, ROUNDS = 60 };

// Each key has a binary of its own; whoever finds one finds that one, whole.
static bool write_and_find(unsigned seed) {
    unsigned char own[KEYS][2000];
    char note[512];
    for (int round = 0; round < ROUNDS; round++) {
        const int which = (int)((seed + (unsigned)round * 7) % KEYS);
        static const char *const texts[KEYS] = {"text A", "text B", "text C"};
        kernel_key made = key;
        kernel_entry entry;
        made.parts[KEY_SOURCE] = texts[which];
        memset(own[which], 'a' + which, sizeof own[which]);
        if (!kernel_cache_store(&made, "one", own[which], sizeof own[which], note, sizeof note))
            return false;
        unsigned char *bytes = kernel_cache_find(&entry, &made, note, sizeof note);
        const bool right = bytes == NULL ? note[0] == '\0'
                                         : entry.binary.length == sizeof own[which] &&
                                               memcmp(entry.binary.bytes, own[which], sizeof own[which]) == 0;
        free(bytes);
        if (!right)
            return false;
    }
    return true;
}

static void *write_in_thread(void *out) {
    bool *right = out;
    *right = write_and_find(*right);
    return NULL;
}

static void expect_whole_folder(void) {
    oclstm_kernel_entry *list;
    size_t count;
    ck_assert_int_eq(oclstm_kernels_list(&list, &count, &error), OCLSTM_OK);
    ck_assert_uint_ge(count, 1);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(list[i].usable, "%s: %s", list[i].name, list[i].reason);
    oclstm_kernels_list_free(&list);
    size_t files;
    ck_assert_int_eq(oclstm_kernels_clear(&files, NULL, &error), OCLSTM_OK);
    ck_assert_uint_eq(files, count); // nothing half-written
}

START_TEST(threads_write_side_by_side) {
    pthread_t threads[WRITERS];
    bool right[WRITERS] = {false, true, false, true}; // where each begins; then whether all was right
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_in_thread, &right[i]), 0);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < WRITERS; i++)
        ck_assert(right[i]);
    expect_whole_folder();
}
END_TEST

// With a limit that makes them remove each other's.
START_TEST(processes_write_side_by_side) {
    pid_t children[WRITERS];
    setenv("OCLSTM_CACHE_BYTES", "5000", 1);
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(write_and_find((unsigned)i) ? 0 : 1);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = 1;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
    expect_whole_folder();
}
END_TEST

// --- listing and clearing ---------------------------------------------------------------------------------------------

START_TEST(a_list_and_an_end) {
    oclstm_kernel_entry *list = NULL;
    size_t count = 7, removed = 7;
    uint64_t bytes = 7;
    char folder[512], expected[512];
    ck_assert_int_eq(oclstm_kernels_list(&list, &count, &error), OCLSTM_OK);
    ck_assert(list == NULL && count == 0);
    ck_assert_int_eq(oclstm_kernels_clear(&removed, &bytes, &error), OCLSTM_OK);
    ck_assert(removed == 0 && bytes == 0);
    ck_assert_int_eq(oclstm_kernels_folder(folder, sizeof folder, &error), OCLSTM_OK);
    snprintf(expected, sizeof expected, "%s/kernels", dir.path);
    ck_assert_str_eq(folder, expected);

    const kernel_key first = numbered(0), second = numbered(1);
    store(&first);
    age(path_of(&first), 500);
    store(&second);
    write_bytes(path_of(&key), "damaged", 7);
    age(path_of(&key), 900);
    ck_assert_int_eq(oclstm_kernels_list(&list, &count, &error), OCLSTM_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert(!list[0].usable && list[1].usable && list[2].usable);
    ck_assert_ptr_nonnull(strstr(list[0].reason, "cut off"));
    ck_assert_str_eq(list[1].library, "0.1.0");
    ck_assert_str_eq(list[1].platform, "ACME CL");
    ck_assert_str_eq(list[1].device, "ACME #1");
    ck_assert_str_eq(list[1].driver, "7.1");
    ck_assert_str_eq(list[1].files, "a.cl b.cl");
    ck_assert_str_eq(list[1].options, "-D A");
    ck_assert_int_le(list[1].used_at, list[2].used_at);
    ck_assert_uint_gt(list[1].size_bytes, sizeof binary);
    oclstm_kernels_list_free(&list);
    ck_assert_ptr_null(list);
    oclstm_kernels_list_free(&list);
    oclstm_kernels_list_free(NULL);

    ck_assert_int_eq(oclstm_kernels_clear(&removed, &bytes, &error), OCLSTM_OK);
    ck_assert_uint_eq(removed, 3);
    ck_assert_uint_gt(bytes, 7);
    ck_assert(!finds(&first) && !finds(&second));
    ck_assert_int_eq(oclstm_kernels_clear(NULL, NULL, NULL), OCLSTM_OK);
}
END_TEST

START_TEST(places_that_are_missing) {
    oclstm_kernel_entry *list;
    oclstm_kernel_counts counts;
    size_t count;
    char folder[8];
    ck_assert_int_eq(oclstm_kernels_list(NULL, &count, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_kernels_list(&list, NULL, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_kernels_folder(NULL, 8, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_kernels_folder(folder, sizeof folder, &error), OCLSTM_IO);
    ck_assert_int_eq(oclstm_kernels_count(&counts, NULL, NULL, 0, &error), OCLSTM_INVALID_ARGUMENT);
    setenv("OCLSTM_CACHE_DIR", "", 1);
    ck_assert_int_eq(oclstm_kernels_folder(folder, sizeof folder, &error), OCLSTM_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "OCLSTM_CACHE_DIR is empty"));
    ck_assert_int_eq(oclstm_kernels_list(&list, &count, &error), OCLSTM_OK);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(oclstm_kernels_set_binary_dir("/no/such/folder", &error), OCLSTM_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "/no/such/folder"));
    ck_assert_int_eq(oclstm_kernels_set_binary_dir(NULL, &error), OCLSTM_OK);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("kernel_cache");
    TCase *folder = tcase_create("folder"), *limit = tcase_create("limit"), *writers = tcase_create("writers"),
          *list = tcase_create("list");
    TCase *const cases[] = {folder, limit, writers, list};
    for (int i = 0; i < 4; i++) {
        tcase_add_checked_fixture(cases[i], make_dir, remove_dir);
        tcase_set_timeout(cases[i], 100);
        suite_add_tcase(suite, cases[i]);
    }
    tcase_add_test(folder, what_is_kept_is_found);
    tcase_add_test(folder, an_entry_that_is_not_to_be_trusted);
    tcase_add_test(folder, an_entry_of_another_key_or_of_none);
    tcase_add_test(folder, a_folder_that_cannot_be_written);
    tcase_add_test(folder, a_disk_that_is_full);
    tcase_add_test(limit, those_unused_longest_go_first);
    tcase_add_test(limit, what_a_killed_writer_left);
    tcase_add_test(writers, threads_write_side_by_side);
    tcase_add_test(writers, processes_write_side_by_side);
    tcase_add_test(list, a_list_and_an_end);
    tcase_add_test(list, places_that_are_missing);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
