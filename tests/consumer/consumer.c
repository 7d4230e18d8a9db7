/* The C interface as a C99 program uses it; the same file is compiled as C++, too. Ends with 0 if
 * all checks hold. Usage: consumer FOLDER (a folder to write a keyring into) TOKENIZER (a file) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sigillo/sigillo.h"

static int failures = 0;
static int checks = 0;
#define CHECK(condition)                                                     \
  do {                                                                       \
    ++checks;                                                                \
    if (!(condition)) {                                                      \
      ++failures;                                                            \
      fprintf(stderr, "line %d: %s; last error: %s\n", __LINE__, #condition, \
              sigillo_last_error_message());                                 \
    }                                                                        \
  } while (0)

enum { ROWS = 37, VOCABULARY = 1003, STRIDE = 1010 };

static uint64_t random_state = 20261125;
static uint32_t random_word(void) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(random_state >> 33);
}

/* The value of a binary16, by its definition. */
static float half_value(uint16_t bits) {
  const int exponent = bits >> 10 & 31, significand = bits & 1023;
  double value;
  if (exponent == 31) {
    value = significand == 0 ? HUGE_VAL : (double)NAN;
  } else {
    value = exponent == 0 ? ldexp(significand, -24) : ldexp(1024 + significand, exponent - 25);
  }
  return (float)((bits & 0x8000) != 0 ? -value : value);
}
static float bfloat_value(uint16_t bits) {
  const uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

static sigillo_profile* profile_named(const char* name) {
  sigillo_profile* profile = NULL;
  CHECK(sigillo_profile_by_name(name, &profile) == SIGILLO_OK);
  return profile;
}
static sigillo_key* key_of(uint64_t value) {
  sigillo_key* key = NULL;
  CHECK(sigillo_key_from_integers(&value, 1, &key) == SIGILLO_OK);
  return key;
}

static void test_versions_and_errors(void) {
  CHECK(sigillo_abi_version() == SIGILLO_ABI_VERSION);
  CHECK(strcmp(sigillo_version(), "0.1.0") == 0);
  CHECK(strcmp(sigillo_status_text(SIGILLO_OK), "ok") == 0);
  CHECK(strcmp(sigillo_status_text(SIGILLO_KEY_MISSING), "key-missing") == 0);
  CHECK(strcmp(sigillo_status_text(SIGILLO_DEVICE_UNAVAILABLE), "device-unavailable") == 0);
  CHECK(strcmp(sigillo_status_text(SIGILLO_BUFFER_TOO_SMALL), "buffer-too-small") == 0);
  CHECK(strcmp(sigillo_status_text(-1), "unknown") == 0);
  CHECK(strcmp(sigillo_status_text(24), "unknown") == 0);
  sigillo_profile* profile = NULL;
  CHECK(sigillo_profile_by_name("nothing", &profile) == SIGILLO_NOT_FOUND);
  CHECK(profile == NULL);
  CHECK(strstr(sigillo_last_error_message(), "nothing") != NULL);
  CHECK(strstr(sigillo_last_error_remedy(), "vllm-gumbel") != NULL);
  sigillo_profile_free(NULL);
  sigillo_key_free(NULL);
  sigillo_tokenizer_free(NULL);
}

static void test_profiles(void) {
  const char* expected =
      "{\"context_width\":4,\"name\":\"vllm-gumbel\",\"prf\":\"philox4x32-10-v1\",\"scheme\":"
      "\"gumbel\"}";
  sigillo_profile* profile = profile_named("vllm-gumbel");
  char buffer[256];
  size_t size = 0;
  int32_t width = 0;
  CHECK(sigillo_profile_json(profile, NULL, 0, &size) == SIGILLO_BUFFER_TOO_SMALL);
  CHECK(size == strlen(expected));
  memset(buffer, 'x', sizeof buffer);
  CHECK(sigillo_profile_json(profile, buffer, size - 1, &size) == SIGILLO_BUFFER_TOO_SMALL);
  CHECK(buffer[0] == 'x');
  CHECK(sigillo_profile_json(profile, buffer, size, &size) == SIGILLO_OK);
  CHECK(memcmp(buffer, expected, size) == 0 && buffer[size] == 'x');
  CHECK(sigillo_profile_json(profile, buffer, sizeof buffer, &size) == SIGILLO_OK);
  CHECK(strcmp(buffer, expected) == 0);
  CHECK(sigillo_profile_context_width(profile, &width) == SIGILLO_OK && width == 4);
  sigillo_profile_free(profile);
  CHECK(sigillo_profile_from_json(expected, strlen(expected), &profile) == SIGILLO_OK);
  sigillo_profile_free(profile);
  CHECK(sigillo_profile_from_json("{}", 2, &profile) == SIGILLO_INVALID_INPUT);
  CHECK(sigillo_profile_from_json("{}", SIZE_MAX, &profile) == SIGILLO_INPUT_TOO_LARGE);
  CHECK(sigillo_profile_from_json(NULL, 2, &profile) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_profile_from_json("{}", 2, NULL) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_profile_by_name(NULL, &profile) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_profile_by_name("x", NULL) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_profile_json(NULL, NULL, 0, &size) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_profile_context_width(NULL, &width) == SIGILLO_INVALID_ARGUMENT);
}

/* A detection tells two keys apart. */
static int64_t score_of(const sigillo_key* key) {
  int32_t tokens[64];
  sigillo_profile* profile = profile_named("vllm-gumbel");
  sigillo_detection detection = {sizeof(sigillo_detection), 0, 0, 0, 0, 0, 0, 0};
  for (int i = 0; i < 64; ++i) tokens[i] = (i * 7919 + 13) % 50257;
  CHECK(sigillo_detect_tokens(profile, key, tokens, 64, NULL, &detection, NULL, 0, NULL) ==
        SIGILLO_OK);
  sigillo_profile_free(profile);
  return detection.log10_p_micro;
}

static void write_file(const char* folder, const char* name, const char* text, mode_t mode) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE* file = fopen(path, "wb");
  CHECK(file != NULL);
  if (file == NULL) return;
  fputs(text, file);
  fclose(file);
  CHECK(chmod(path, mode) == 0);
}

static void test_keys(const char* folder) {
  const uint8_t bytes[8] = {0, 0, 0, 0, 0, 0, 0, 42};
  const uint64_t many[65] = {0};
  sigillo_key* key = NULL;
  const int64_t p_of_42 = -358854; /* docs/formats/detection.md */
  CHECK(sigillo_key_from_text("42\n", 3, &key) == SIGILLO_OK && score_of(key) == p_of_42);
  sigillo_key_free(key);
  CHECK(sigillo_key_from_text("0x2a", 4, &key) == SIGILLO_OK && score_of(key) == p_of_42);
  sigillo_key_free(key);
  CHECK(sigillo_key_from_bytes(bytes, 8, &key) == SIGILLO_OK && score_of(key) == p_of_42);
  sigillo_key_free(key);
  key = key_of(43);
  CHECK(score_of(key) != p_of_42);
  sigillo_key_free(key);
  write_file(folder, "mark.json",
             "{\"algorithm\":\"uint64\",\"created_at\":\"2026-11-25T00:00:00Z\",\"key_id\":"
             "\"wm-test\",\"kind\":\"watermark\",\"name\":\"mark\"}",
             0600);
  write_file(folder, "mark.watermark", "0x000000000000002a\n", 0600);
  CHECK(sigillo_key_from_keyring(folder, "mark", &key) == SIGILLO_OK && score_of(key) == p_of_42);
  sigillo_key_free(key);
  CHECK(sigillo_key_from_keyring(folder, "absent", &key) == SIGILLO_KEY_MISSING && key == NULL);
  CHECK(sigillo_key_from_keyring("", "../mark", &key) == SIGILLO_KEY_MISSING);
  write_file(folder, "mark.watermark", "0x000000000000002a\n", 0644);
  CHECK(sigillo_key_from_keyring(folder, "mark", &key) == SIGILLO_KEY_INSECURE);

  CHECK(sigillo_key_from_text("secret", 6, &key) == SIGILLO_INVALID_INPUT);
  CHECK(strstr(sigillo_last_error_message(), "secret") == NULL);
  CHECK(sigillo_key_from_text("1", SIZE_MAX, &key) == SIGILLO_INPUT_TOO_LARGE);
  CHECK(sigillo_key_from_text(NULL, 1, &key) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_key_from_integers(many, 0, &key) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_key_from_integers(many, 65, &key) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_key_from_integers(many, SIZE_MAX, &key) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_key_from_integers(NULL, 1, &key) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_key_from_integers(many, 64, &key) == SIGILLO_OK);
  sigillo_key_free(key);
  CHECK(sigillo_key_from_bytes(bytes, 7, &key) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_key_from_bytes(bytes, 0, &key) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_key_from_bytes(bytes, 520, &key) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_key_from_bytes(bytes, SIZE_MAX - 7, &key) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_key_from_bytes(NULL, 8, &key) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_key_from_bytes(bytes, 8, NULL) == SIGILLO_INVALID_ARGUMENT);
}

static float wide_logits[ROWS * STRIDE];
static uint16_t narrow_logits[ROWS * STRIDE];
static int32_t contexts[ROWS * 4];
static uint8_t plain[ROWS];
static uint64_t seeds[ROWS];

static sigillo_choose_batch make_batch(void) {
  sigillo_choose_batch batch;
  memset(&batch, 0, sizeof batch);
  batch.struct_size = sizeof batch;
  batch.rows = ROWS;
  batch.vocabulary = VOCABULARY;
  batch.logits = wide_logits;
  batch.stride = STRIDE;
  batch.logit_type = SIGILLO_F32;
  batch.temperature = 0.75F;
  batch.contexts = contexts;
  batch.plain = plain;
  batch.plain_seeds = seeds;
  return batch;
}

static void test_choose(const char* name) {
  sigillo_profile* profile = profile_named(name);
  sigillo_key* key = key_of(42);
  for (int i = 0; i < ROWS * 4; ++i) contexts[i] = (int32_t)(random_word() % 50000);
  for (int i = 0; i < ROWS; ++i) {
    plain[i] = (uint8_t)(random_word() % 3 == 0);
    seeds[i] = (uint64_t)random_word() << 32 | random_word();
  }
  /* 16 bits of any pattern, NaN and infinities among them; then the same values as binary32. */
  for (int form = 0; form < 2; ++form) {
    int32_t wide[ROWS], narrow[ROWS], one = -2;
    for (int i = 0; i < ROWS * STRIDE; ++i) {
      narrow_logits[i] = (uint16_t)random_word();
      if ((narrow_logits[i] & 0x7FFF) == (form == 0 ? 0x7C00 : 0x7F80)) narrow_logits[i] = 0;
      wide_logits[i] = form == 0 ? half_value(narrow_logits[i]) : bfloat_value(narrow_logits[i]);
    }
    sigillo_choose_batch batch = make_batch();
    CHECK(sigillo_choose_tokens(profile, key, &batch, wide, ROWS) == SIGILLO_OK);
    batch.logits = narrow_logits;
    batch.logit_type = form == 0 ? SIGILLO_F16 : SIGILLO_BF16;
    CHECK(sigillo_choose_tokens(profile, key, &batch, narrow, ROWS) == SIGILLO_OK);
    CHECK(memcmp(wide, narrow, sizeof wide) == 0);
    /* One row alone gives the same token. */
    batch.rows = 1;
    batch.logits = narrow_logits + 5 * STRIDE;
    batch.contexts = contexts + 5 * 4;
    batch.plain = plain + 5;
    batch.plain_seeds = seeds + 5;
    CHECK(sigillo_choose_tokens(profile, key, &batch, &one, 1) == SIGILLO_OK && one == wide[5]);
  }
  sigillo_key_free(key);
  sigillo_profile_free(profile);
}

static void test_choose_refusals(void) {
  sigillo_profile* profile = profile_named("vllm-gumbel");
  sigillo_key* key = key_of(42);
  int32_t tokens[ROWS];
  struct {
    sigillo_choose_batch batch;
    uint64_t later_member;
  } newer;
  sigillo_choose_batch batch = make_batch();
#define CHOOSE(count) sigillo_choose_tokens(profile, key, &batch, tokens, (count))
#define REFUSED(member, value)                     \
  batch = make_batch();                            \
  batch.member = (value);                          \
  CHECK(CHOOSE(ROWS) == SIGILLO_INVALID_ARGUMENT); \
  batch.logit_type = SIGILLO_F16;                  \
  CHECK(CHOOSE(ROWS) == SIGILLO_INVALID_ARGUMENT);
  CHECK(CHOOSE(ROWS) == SIGILLO_OK);
  REFUSED(rows, -1)
  REFUSED(rows, ROWS - 1)
  REFUSED(rows, INT32_MAX)
  REFUSED(vocabulary, 0)
  REFUSED(vocabulary, -5)
  REFUSED(vocabulary, INT32_MAX)
  REFUSED(stride, VOCABULARY - 1)
  REFUSED(stride, INT64_MAX)
  REFUSED(stride, INT64_MIN)
  REFUSED(logits, NULL)
  REFUSED(contexts, NULL)
  REFUSED(plain_seeds, NULL)
  REFUSED(temperature, 0.0F)
  REFUSED(temperature, (float)NAN)
  REFUSED(struct_size, 0)
  REFUSED(struct_size, sizeof batch - 1)
  REFUSED(struct_size, SIZE_MAX)
  batch = make_batch();
  batch.logit_type = 3;
  CHECK(CHOOSE(ROWS) == SIGILLO_INVALID_ARGUMENT);
  batch = make_batch();
  batch.backend = "no-such";
  CHECK(CHOOSE(ROWS) == SIGILLO_DEVICE_UNAVAILABLE);
  batch.backend = "auto";
  CHECK(CHOOSE(ROWS) == SIGILLO_OK);
  batch = make_batch();
  CHECK(CHOOSE(ROWS - 1) == SIGILLO_INVALID_ARGUMENT);
  CHECK(CHOOSE(SIZE_MAX) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_choose_tokens(NULL, key, &batch, tokens, ROWS) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_choose_tokens(profile, NULL, &batch, tokens, ROWS) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_choose_tokens(profile, key, NULL, tokens, ROWS) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_choose_tokens(profile, key, &batch, NULL, ROWS) == SIGILLO_INVALID_ARGUMENT);
  batch.rows = 0;
  CHECK(sigillo_choose_tokens(profile, key, &batch, NULL, 0) == SIGILLO_OK);

#ifndef SIGILLO_SANITIZED /* whose allocators end the process instead */
  /* Memory that is not there is a code, too: 2^31 - 1 rows of 2^24 entries of 16 bits. */
  batch = make_batch();
  batch.rows = INT32_MAX;
  batch.vocabulary = 1 << 24;
  batch.stride = batch.vocabulary;
  batch.logit_type = SIGILLO_BF16;
  CHECK(CHOOSE((size_t)INT32_MAX) == SIGILLO_OUT_OF_MEMORY);
#endif

  /* Row 2 has nothing to choose: it is named and gets -1, the others get their tokens. */
  batch = make_batch();
  for (int v = 0; v < VOCABULARY; ++v) wide_logits[2 * STRIDE + v] = -HUGE_VALF;
  CHECK(CHOOSE(ROWS) == SIGILLO_INVALID_INPUT);
  CHECK(strstr(sigillo_last_error_message(), "row 2") != NULL);
  CHECK(tokens[2] == -1 && tokens[0] >= 0 && tokens[ROWS - 1] >= 0);
  wide_logits[2 * STRIDE] = 0;

  /* A caller from the future: a member that is zero is as before, another is not. */
  memset(&newer, 0, sizeof newer);
  newer.batch = make_batch();
  newer.batch.struct_size = sizeof newer;
  CHECK(sigillo_choose_tokens(profile, key, &newer.batch, tokens, ROWS) == SIGILLO_OK);
  newer.later_member = 1;
  CHECK(sigillo_choose_tokens(profile, key, &newer.batch, tokens, ROWS) == SIGILLO_UNSUPPORTED);
  sigillo_key_free(key);
  sigillo_profile_free(profile);
  profile = profile_named("synthid-transformers");
  key = key_of(42);
  batch = make_batch();
  batch.backend = "cuda";
  CHECK(CHOOSE(ROWS) == SIGILLO_UNSUPPORTED);
  sigillo_key_free(key);
  sigillo_profile_free(profile);
}

static char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  char* bytes = (char*)malloc(1 << 22);
  *size = file != NULL && bytes != NULL ? fread(bytes, 1, 1 << 22, file) : 0;
  if (file != NULL) fclose(file);
  return bytes;
}

static void test_text(const char* tokenizer_file) {
  const char* text = "the tall tree of the north; the tall tree of the south; a the b the c the d!";
  size_t size = 0, needed = 0, count = 0;
  char* json = read_file(tokenizer_file, &size);
  sigillo_tokenizer* tokenizer = NULL;
  sigillo_profile* profile = profile_named("vllm-gumbel");
  sigillo_key* key = key_of(7);
  int32_t ids[256], vocabulary = 0;
  char out[2048];
  sigillo_detection from_text = {sizeof(sigillo_detection), 0, 0, 0, 0, 0, 0, 0};
  sigillo_detection from_tokens = from_text;
  sigillo_detect_options options = SIGILLO_DETECT_OPTIONS_INIT;
  CHECK(sigillo_tokenizer_from_json(json, size, &tokenizer) == SIGILLO_OK);
  CHECK(sigillo_tokenizer_vocabulary_size(tokenizer, &vocabulary) == SIGILLO_OK &&
        vocabulary >= 256);
  CHECK(sigillo_tokenizer_encode(tokenizer, text, strlen(text), NULL, 0, &needed) ==
        SIGILLO_BUFFER_TOO_SMALL);
  CHECK(needed > 16 && needed <= strlen(text));
  CHECK(sigillo_tokenizer_encode(tokenizer, text, strlen(text), ids, 256, &count) == SIGILLO_OK);
  CHECK(count == needed);
  CHECK(sigillo_tokenizer_encode(tokenizer, "", 0, NULL, 0, &count) == SIGILLO_OK && count == 0);

  CHECK(sigillo_detect_text(profile, key, tokenizer, text, strlen(text), &options, &from_text, out,
                            sizeof out, &size) == SIGILLO_OK);
  CHECK(strlen(out) == size && strstr(out, "\"result\":\"not_found\"") != NULL);
  CHECK(strstr(out, "\"tokenizer_digest\":\"\"") == NULL);
  CHECK(sigillo_detect_tokens(profile, key, ids, needed, NULL, &from_tokens, NULL, 0, NULL) ==
        SIGILLO_OK);
  CHECK(memcmp(&from_text, &from_tokens, sizeof from_text) == 0);
  CHECK(from_text.result == SIGILLO_MARK_NOT_FOUND && from_text.tries == 1);
  CHECK(from_text.tokens == (int64_t)needed && from_text.threshold_log10_micro == -6000000);
  options.threshold_log10_micro = 0; /* every p is at or below 1 */
  CHECK(sigillo_detect_tokens(profile, key, ids, needed, &options, &from_tokens, NULL, 0, NULL) ==
        SIGILLO_OK);
  CHECK(from_tokens.result == SIGILLO_MARK_FOUND);
  CHECK(sigillo_detect_tokens(profile, key, ids, 3, NULL, &from_tokens, out, 5, &size) ==
        SIGILLO_BUFFER_TOO_SMALL);
  CHECK(from_tokens.result == SIGILLO_MARK_INCONCLUSIVE && size > 5);
  CHECK(sigillo_detect_tokens(profile, key, NULL, 0, NULL, &from_tokens, NULL, 0, NULL) ==
        SIGILLO_OK);

#define DETECT(p, k, i, n, o, d) sigillo_detect_tokens(p, k, i, n, o, d, NULL, 0, NULL)
  CHECK(DETECT(NULL, key, ids, 3, NULL, &from_tokens) == SIGILLO_INVALID_ARGUMENT);
  CHECK(DETECT(profile, NULL, ids, 3, NULL, &from_tokens) == SIGILLO_INVALID_ARGUMENT);
  CHECK(DETECT(profile, key, NULL, 3, NULL, &from_tokens) == SIGILLO_INVALID_ARGUMENT);
  CHECK(DETECT(profile, key, ids, 3, NULL, NULL) == SIGILLO_INVALID_ARGUMENT);
  CHECK(DETECT(profile, key, ids, SIZE_MAX / 4, NULL, &from_tokens) == SIGILLO_INPUT_TOO_LARGE);
  options.tries = 0;
  CHECK(DETECT(profile, key, ids, 3, &options, &from_tokens) == SIGILLO_INVALID_ARGUMENT);
  options.tries = 1;
  options.struct_size = 8;
  CHECK(DETECT(profile, key, ids, 3, &options, &from_tokens) == SIGILLO_INVALID_ARGUMENT);
  from_tokens.struct_size = 8;
  CHECK(DETECT(profile, key, ids, 3, NULL, &from_tokens) == SIGILLO_INVALID_ARGUMENT);
  ids[1] = -1;
  CHECK(DETECT(profile, key, ids, 3, NULL, &from_text) == SIGILLO_INVALID_INPUT);
#define DETECT_TEXT(t, s, n) \
  sigillo_detect_text(profile, key, t, s, n, NULL, &from_text, NULL, 0, NULL)
  CHECK(DETECT_TEXT(NULL, text, 5) == SIGILLO_INVALID_ARGUMENT);
  CHECK(DETECT_TEXT(tokenizer, NULL, 5) == SIGILLO_INVALID_ARGUMENT);
  CHECK(DETECT_TEXT(tokenizer, text, 0) == SIGILLO_INVALID_INPUT);
  CHECK(DETECT_TEXT(tokenizer, "\xFF", 1) == SIGILLO_INVALID_INPUT);
  CHECK(DETECT_TEXT(tokenizer, text, SIZE_MAX) == SIGILLO_INPUT_TOO_LARGE);
  CHECK(sigillo_tokenizer_encode(tokenizer, text, SIZE_MAX, ids, 256, &count) ==
        SIGILLO_INPUT_TOO_LARGE);
  CHECK(sigillo_tokenizer_encode(NULL, text, 1, ids, 256, &count) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_tokenizer_encode(tokenizer, text, 1, ids, 256, NULL) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_tokenizer_encode(tokenizer, NULL, 1, ids, 256, &count) == SIGILLO_INVALID_ARGUMENT);
  sigillo_tokenizer_free(tokenizer);
  CHECK(sigillo_tokenizer_from_json("{", 1, &tokenizer) == SIGILLO_INVALID_INPUT);
  CHECK(tokenizer == NULL);
  CHECK(sigillo_tokenizer_from_json(json, SIZE_MAX, &tokenizer) == SIGILLO_INPUT_TOO_LARGE);
  CHECK(sigillo_tokenizer_from_json(NULL, 1, &tokenizer) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_tokenizer_from_json(json, 1, NULL) == SIGILLO_INVALID_ARGUMENT);
  sigillo_key_free(key);
  sigillo_profile_free(profile);
  free(json);
}

/* A whole text: marked with a key, found with it, not with another. */
static void test_round_trip(const char* name) {
  enum { STEPS = 90, ENTRIES = 400 };
  sigillo_profile* profile = profile_named(name);
  sigillo_key *key = key_of(11), *other = key_of(12);
  static float logits[ENTRIES];
  int32_t text[4 + STEPS] = {-1, -1, -1, -1};
  sigillo_detection detection = {sizeof(sigillo_detection), 0, 0, 0, 0, 0, 0, 0};
  for (int step = 0; step < STEPS; ++step) {
    const uint64_t seed = (uint64_t)random_word() << 32 | random_word();
    sigillo_choose_batch batch = make_batch();
    for (int v = 0; v < ENTRIES; ++v) logits[v] = (float)(random_word() % 1000) / 500.0F;
    batch.rows = 1;
    batch.vocabulary = batch.stride = ENTRIES;
    batch.logits = logits;
    batch.contexts = text + step;
    batch.plain = NULL;
    batch.plain_seeds = &seed;
    CHECK(sigillo_choose_tokens(profile, key, &batch, text + 4 + step, 1) == SIGILLO_OK);
  }
  CHECK(sigillo_detect_tokens(profile, key, text + 4, STEPS, NULL, &detection, NULL, 0, NULL) ==
        SIGILLO_OK);
  CHECK(detection.result == SIGILLO_MARK_FOUND);
  CHECK(sigillo_detect_tokens(profile, other, text + 4, STEPS, NULL, &detection, NULL, 0, NULL) ==
        SIGILLO_OK);
  CHECK(detection.result == SIGILLO_MARK_NOT_FOUND);
  sigillo_key_free(key);
  sigillo_key_free(other);
  sigillo_profile_free(profile);
}

/* The example of docs/formats/proof.md: entry 5 of a log with a published secret. */
static const char receipt_text[] =
    "c2sp.org/tlog-proof@v1\n"
    "extra aW5zcGVjdGVkIGNvcHk=\n"
    "index 5\n"
    "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=\n"
    "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=\n"
    "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n"
    "\n"
    "ledger.example/v1\n"
    "8\n"
    "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
    "\n"
    "\342\200\224 ledger.example/v1 "
    "pyRG1q0EjEW7GOdRCgohUc3TPi+3fKUrybGH3s2Em+6gjA2coBrj4RTc09hub8AeixEXccwXheEsN2MtIGkH/"
    "xJNfgQ=\n";
static const char log_key_text[] =
    "ledger.example/v1+a72446d6+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

static sigillo_proof_question make_question(void) {
  static const char leaf[] = {0x40, 0x41, 0x42, 0x43};
  sigillo_proof_question question;
  memset(&question, 0, sizeof question);
  question.struct_size = sizeof question;
  question.receipt = receipt_text;
  question.receipt_size = sizeof receipt_text - 1;
  question.leaf = leaf;
  question.leaf_size = sizeof leaf;
  question.log_key = log_key_text;
  question.log_key_size = sizeof log_key_text - 1;
  return question;
}

static void test_proof_refusals(void) {
  sigillo_proof_question question = make_question();
  sigillo_proof_answer answer;
  size_t size = 7;
  memset(&answer, 0xff, sizeof answer);
  answer.struct_size = sizeof answer;
  question.leaf_size = 3;
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, &size) == SIGILLO_PROOF_INVALID);
  CHECK(answer.index == 0 && answer.size == 0 && answer.has_policy == 0 && answer.has_stamp == 0);
  CHECK(answer.struct_size == sizeof answer && size == 0);
  question = make_question();
  question.log_key = NULL;
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_INVALID_ARGUMENT);
  question = make_question();
  question.policy = ""; /* empty is not "none" */
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_INVALID_INPUT);
  question = make_question();
  question.time_stamp = "";
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_INVALID_ARGUMENT);
  question.roots = "";
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_INVALID_INPUT);
  question = make_question();
  question.receipt = NULL;
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_INVALID_ARGUMENT);
  question = make_question();
  question.leaf = NULL;
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_INVALID_ARGUMENT);
  question = make_question();
  question.receipt_size = SIZE_MAX;
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_INPUT_TOO_LARGE);
  question = make_question();
  question.struct_size = 8;
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_INVALID_ARGUMENT);
  question = make_question();
  CHECK(sigillo_verify_proof(NULL, &answer, NULL, 0, NULL) == SIGILLO_INVALID_ARGUMENT);
  CHECK(sigillo_verify_proof(&question, NULL, NULL, 0, NULL) == SIGILLO_INVALID_ARGUMENT);
  answer.struct_size = 8;
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_INVALID_ARGUMENT);
}

static void test_proof(void) {
  sigillo_proof_question question = make_question();
  sigillo_proof_answer answer;
  char json[512], changed[sizeof receipt_text];
  size_t size = 0, accepted = 0;
  memset(&answer, 0xff, sizeof answer);
  answer.struct_size = sizeof answer;
  /* The extra line of the example is a remark that no signature covers. */
  const size_t covered = (size_t)(strstr(receipt_text, "index ") - receipt_text);
  CHECK(sigillo_verify_proof(&question, &answer, json, sizeof json, &size) == SIGILLO_OK);
  CHECK(answer.index == 5 && answer.size == 8 && answer.cosigned == 0 && answer.stamped_at == 0);
  CHECK(answer.has_policy == 0 && answer.has_stamp == 0);
  CHECK(size == strlen(json) && strstr(json, "\"origin\":\"ledger.example/v1\"") != NULL);
  CHECK(sigillo_verify_proof(&question, &answer, json, 3, &size) == SIGILLO_BUFFER_TOO_SMALL);
  CHECK(answer.index == 5);
  question.now = 1795000000;
  CHECK(sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_OK);
  question.receipt = changed;
  for (size_t i = covered; i + 1 < sizeof receipt_text; ++i) {
    memcpy(changed, receipt_text, sizeof changed);
    changed[i] ^= 1;
    if (sigillo_verify_proof(&question, &answer, NULL, 0, NULL) == SIGILLO_OK) ++accepted;
  }
  CHECK(accepted == 0);
}

int main(int argc, char** argv) {
  if (argc != 3) return 3;
  test_versions_and_errors();
  test_profiles();
  test_keys(argv[1]);
  test_choose("vllm-gumbel");
  test_choose("synthid-transformers");
  test_choose_refusals();
  test_text(argv[2]);
  test_proof();
  test_proof_refusals();
  test_round_trip("vllm-gumbel");
  test_round_trip("synthid-transformers");
  printf("%d checks, %d failures\n", checks, failures);
  return failures == 0 && checks > 100 ? 0 : 1;
}
