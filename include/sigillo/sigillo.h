/* sigillo.h: text watermarking, and proofs of a ledger, through a C interface (C99; also valid
 * C++).
 *
 * Conventions
 *
 *  1. Errors. A function that can fail returns a sigillo_status: SIGILLO_OK (0) or a code below,
 *     which is never renumbered or reused. After a failure sigillo_last_error_message() and
 *     sigillo_last_error_remedy() describe it, for the calling thread, until its next failure.
 *     No C++ exception leaves the library.
 *  2. Arguments. NULL where an object or a result is expected, negative, too large or inconsistent
 *     sizes give SIGILLO_INVALID_ARGUMENT or SIGILLO_INPUT_TOO_LARGE; they never crash. What cannot
 *     be checked is that memory is as long as the caller says.
 *  3. Ownership. sigillo_*_free() frees what a function returned through an out-parameter; NULL is
 *     allowed. A function that fails sets the handle to NULL. Handles own copies: what was passed
 *     in may be freed when the call returns. All other memory belongs to the caller. Strings that
 *     are returned directly are static, or belong to the calling thread (rule 1).
 *  4. Buffers. A result of unknown size takes (buffer, capacity, size): *size receives the full
 *     size; if it is above capacity nothing is written and the status is SIGILLO_BUFFER_TOO_SMALL.
 *     (NULL, 0, &size) asks for the size. Sizes of text do not count a terminating zero; one is
 *     written if there is room for it.
 *  5. Threads. Functions may be called from any thread. A handle may be used by several threads at
 *     once, but not while it is freed.
 *  6. Text is UTF-8. Names end with a zero; other text comes with its size and may hold zeros where
 *     its format allows them.
 *  7. Secrets. A key handle cleanses its memory when it is freed. No message shows a key.
 *  8. Stability. Within one SIGILLO_ABI_VERSION functions, codes and members are only added.
 *     Structs begin with struct_size, which the caller sets to sizeof; new members are added at the
 *     end and mean "as before" when they are zero, so that callers and libraries of different ages
 *     work together. Reserved members must be zero.
 */
#ifndef SIGILLO_SIGILLO_H
#define SIGILLO_SIGILLO_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SIGILLO_EXPORT __attribute__((visibility("default")))
#else
#define SIGILLO_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version ---- */

/* The interface of this header. A program may compare it with sigillo_abi_version(), the interface
 * of the library that is loaded: they must be equal. */
#define SIGILLO_ABI_VERSION 1
SIGILLO_EXPORT uint32_t sigillo_abi_version(void);
/* The version of the library, such as "0.1.0". Static. */
SIGILLO_EXPORT const char* sigillo_version(void);

/* ---- Errors ---- */

typedef int32_t sigillo_status;
enum {
  SIGILLO_OK = 0,
  /* The codes of Sigillo, explained in docs/errors.md under their text form. */
  SIGILLO_INVALID_ARGUMENT = 1,
  SIGILLO_INVALID_INPUT = 2,
  SIGILLO_INPUT_TOO_LARGE = 3,
  SIGILLO_NOT_FOUND = 4,
  SIGILLO_ALREADY_EXISTS = 5,
  SIGILLO_UNSUPPORTED = 6,
  SIGILLO_WORKSPACE_MISSING = 7,
  SIGILLO_WORKSPACE_NEWER = 8,
  SIGILLO_KEY_MISSING = 9,
  SIGILLO_KEY_INSECURE = 10,
  SIGILLO_NOT_TRUSTED = 11,
  SIGILLO_SIGNATURE_INVALID = 12,
  SIGILLO_PROOF_INVALID = 13,
  SIGILLO_LEDGER_CORRUPT = 14,
  SIGILLO_EVIDENCE_CORRUPT = 15,
  SIGILLO_RULE_ERROR = 16,
  SIGILLO_IO_ERROR = 17,
  SIGILLO_PERMISSION_DENIED = 18,
  SIGILLO_DISK_FULL = 19,
  SIGILLO_LOCKED = 20,
  SIGILLO_READ_ONLY = 21,
  SIGILLO_CRYPTO_FAILURE = 22,
  SIGILLO_DEVICE_UNAVAILABLE = 23,
  /* The codes of this interface alone. */
  SIGILLO_BUFFER_TOO_SMALL = 1001, /* rule 4 */
  SIGILLO_OUT_OF_MEMORY = 1002,    /* nothing was changed */
  SIGILLO_INTERNAL_ERROR = 1003    /* a bug of the library: please report it */
};
/* The text form of a code, such as "invalid-argument"; "ok" of SIGILLO_OK, "unknown" of a number
 * that is none. Static. */
SIGILLO_EXPORT const char* sigillo_status_text(sigillo_status status);
/* What happened in the last call of this thread that failed, and what to do about it. "" if none
 * failed, or if there is no remedy. At most 1023 bytes; longer text is cut at a character. */
SIGILLO_EXPORT const char* sigillo_last_error_message(void);
SIGILLO_EXPORT const char* sigillo_last_error_remedy(void);

/* ---- Profiles: a scheme and its parameters ---- */

typedef struct sigillo_profile sigillo_profile;
/* A built-in profile, such as "vllm-gumbel" or "synthid-transformers". SIGILLO_NOT_FOUND: the
 * remedy lists the names. */
SIGILLO_EXPORT sigillo_status sigillo_profile_by_name(const char* name, sigillo_profile** profile);
/* From the JSON of docs/formats/text-profile.md. */
SIGILLO_EXPORT sigillo_status sigillo_profile_from_json(const char* json, size_t size,
                                                        sigillo_profile** profile);
/* The canonical JSON; its SHA-256 is the profile digest of detections. */
SIGILLO_EXPORT sigillo_status sigillo_profile_json(const sigillo_profile* profile, char* buffer,
                                                   size_t capacity, size_t* size);
/* How many tokens of context a row of sigillo_choose_batch has. */
SIGILLO_EXPORT sigillo_status sigillo_profile_context_width(const sigillo_profile* profile,
                                                            int32_t* width);
SIGILLO_EXPORT void sigillo_profile_free(sigillo_profile* profile);

/* ---- Keys ---- */

typedef struct sigillo_key sigillo_key;
/* From a keyring: the folder "keys" of a workspace, and the name of a watermark key in it.
 * SIGILLO_KEY_MISSING, SIGILLO_KEY_INSECURE (others may read the file). */
SIGILLO_EXPORT sigillo_status sigillo_key_from_keyring(const char* folder, const char* name,
                                                       sigillo_key** key);
/* From the text of a key file: one decimal or 0x-hex number below 2^64, or a list of 2 to 64. */
SIGILLO_EXPORT sigillo_status sigillo_key_from_text(const char* text, size_t size,
                                                    sigillo_key** key);
/* From 1 to 64 integers; signed ones as two's complement. */
SIGILLO_EXPORT sigillo_status sigillo_key_from_integers(const uint64_t* integers, size_t count,
                                                        sigillo_key** key);
/* From 8 bytes an integer, big-endian: 8 to 512 bytes. */
SIGILLO_EXPORT sigillo_status sigillo_key_from_bytes(const uint8_t* bytes, size_t size,
                                                     sigillo_key** key);
SIGILLO_EXPORT void sigillo_key_free(sigillo_key* key);

/* ---- Choosing tokens ---- */

/* How logits are stored. The 16-bit forms are widened to binary32, which changes no value. */
enum {
  SIGILLO_F32 = 0, /* IEEE 754 binary32 */
  SIGILLO_F16 = 1, /* IEEE 754 binary16 */
  SIGILLO_BF16 = 2 /* the upper half of a binary32 */
};

/* One step of sampling for B = rows rows. All memory is the host's. */
typedef struct sigillo_choose_batch {
  size_t struct_size;          /* sizeof(sigillo_choose_batch) */
  int32_t rows;                /* B >= 0 */
  int32_t vocabulary;          /* V in 1..2^24 */
  const void* logits;          /* [B][stride], row-major, of logit_type */
  int64_t stride;              /* elements from row to row, V..2^31 */
  int32_t logit_type;          /* SIGILLO_F32, SIGILLO_F16 or SIGILLO_BF16 */
  float temperature;           /* a positive, finite, normal number */
  const int32_t* contexts;     /* [B][context width]: the last generated tokens (never the prompt),
                                  oldest first, -1 before the start of the generated text */
  const uint8_t* plain;        /* [B]: not 0 samples this row without the mark. May be NULL */
  const uint64_t* plain_seeds; /* [B]: the randomness of plain rows, and of all rows of a profile of
                                  scheme "synthid". May be NULL if no row needs it. Fresh random
                                  numbers for every step */
  const char* backend;         /* "host", "cuda" or "auto"; NULL is "host" */
} sigillo_choose_batch;

/* Writes one token a row to tokens[B]; token_count must be B. NaN counts as minus infinity; plus
 * infinity beats every number, the lowest id among several. SIGILLO_INVALID_INPUT: a row has no
 * logit above minus infinity; it gets -1, and the other rows their tokens. The tokens do not depend
 * on batch, stride or back end. 16-bit logits need rows * vocabulary floats of memory for the call.
 *
 * The caller leaves a step plain if its context was used before in the same text: otherwise the
 * same context would always give the same token. */
SIGILLO_EXPORT sigillo_status sigillo_choose_tokens(const sigillo_profile* profile,
                                                    const sigillo_key* key,
                                                    const sigillo_choose_batch* batch,
                                                    int32_t* tokens, size_t token_count);

/* ---- Tokenizers ---- */

typedef struct sigillo_tokenizer sigillo_tokenizer;
/* From the bytes of a Hugging Face tokenizer.json with byte-level BPE. SIGILLO_UNSUPPORTED names
 * what cannot be read. */
SIGILLO_EXPORT sigillo_status sigillo_tokenizer_from_json(const char* json, size_t size,
                                                          sigillo_tokenizer** tokenizer);
/* The token ids of a text (any bytes, at most 64 MiB). size and capacity count ids. */
SIGILLO_EXPORT sigillo_status sigillo_tokenizer_encode(const sigillo_tokenizer* tokenizer,
                                                       const char* text, size_t text_size,
                                                       int32_t* tokens, size_t capacity,
                                                       size_t* size);
SIGILLO_EXPORT sigillo_status sigillo_tokenizer_vocabulary_size(const sigillo_tokenizer* tokenizer,
                                                                int32_t* vocabulary_size);
SIGILLO_EXPORT void sigillo_tokenizer_free(sigillo_tokenizer* tokenizer);

/* ---- Detection ---- */

enum {
  SIGILLO_MARK_FOUND = 1,       /* p is at or below the threshold */
  SIGILLO_MARK_NOT_FOUND = 2,   /* p is above it, on enough evidence */
  SIGILLO_MARK_INCONCLUSIVE = 3 /* too little evidence for either */
};

typedef struct sigillo_detect_options {
  size_t struct_size; /* sizeof(sigillo_detect_options) */
  int64_t
      threshold_log10_micro; /* found means floor(log10(p) * 10^6) <= this; -6000000: p <= 1e-6 */
  int64_t tries; /* keys, profiles, tokenizations that are tried; p is multiplied by it */
} sigillo_detect_options;
#define SIGILLO_DETECT_OPTIONS_INIT \
  { sizeof(sigillo_detect_options), -6000000, 1 }

/* The numbers of a detection (docs/formats/detection.md). The caller sets struct_size; the library
 * fills the members that it holds. "Not found" does not mean that a person wrote the text. */
typedef struct sigillo_detection {
  size_t struct_size; /* sizeof(sigillo_detection) */
  int32_t result;     /* SIGILLO_MARK_FOUND, SIGILLO_MARK_NOT_FOUND or SIGILLO_MARK_INCONCLUSIVE */
  int32_t reserved;
  int64_t tokens;
  int64_t scored;
  int64_t tries;
  int64_t log10_p_micro;
  int64_t threshold_log10_micro;
} sigillo_detection;

/* Both fill *detection, and the canonical JSON of the detection if json_size is not NULL (rule 4;
 * *detection is filled even if the buffer is too small). options NULL is
 * SIGILLO_DETECT_OPTIONS_INIT. The JSON names the key if it came from a keyring.
 *
 * From token ids, at most 2^20: */
SIGILLO_EXPORT sigillo_status sigillo_detect_tokens(const sigillo_profile* profile,
                                                    const sigillo_key* key, const int32_t* tokens,
                                                    size_t token_count,
                                                    const sigillo_detect_options* options,
                                                    sigillo_detection* detection, char* json,
                                                    size_t json_capacity, size_t* json_size);
/* From a text in UTF-8 without zeros, 1 byte to 16 MiB, and the model's tokenizer: */
SIGILLO_EXPORT sigillo_status sigillo_detect_text(
    const sigillo_profile* profile, const sigillo_key* key, const sigillo_tokenizer* tokenizer,
    const char* text, size_t text_size, const sigillo_detect_options* options,
    sigillo_detection* detection, char* json, size_t json_capacity, size_t* json_size);

/* ---- Proofs of a ledger ---- */

/* What an auditor holds, as bytes; nothing is looked up. A part whose pointer is not NULL must
 * hold, even if its size is 0; NULL leaves it out. At least one of log_key and policy; time_stamp
 * and roots together or neither. */
typedef struct sigillo_proof_question {
  size_t struct_size;  /* sizeof(sigillo_proof_question) */
  const char* receipt; /* C2SP tlog-proof, at most 256 KiB (docs/formats/proof.md) */
  size_t receipt_size;
  const void* leaf; /* the entry's exact bytes, at most 65535 */
  size_t leaf_size;
  const char* log_key; /* the log's verifier key (vkey) */
  size_t log_key_size;
  const char* policy; /* C2SP tlog-policy whose quorum must hold, at most 1 MiB */
  size_t policy_size;
  const void* time_stamp; /* RFC 3161 response (DER) on the receipt's checkpoint, at most 64 KiB */
  size_t time_stamp_size;
  const char* roots; /* root certificates of its authority (PEM), at most 1 MiB */
  size_t roots_size;
  int64_t now; /* seconds since 1970: cosignatures and stamps of a later time do not count. 0: the
                  system's clock */
} sigillo_proof_question;

typedef struct sigillo_proof_answer {
  size_t struct_size; /* sizeof(sigillo_proof_answer) */
  uint64_t index;     /* of the entry */
  uint64_t size;      /* of the checkpoint */
  uint64_t cosigned;  /* witnesses that counted for the quorum; 0 without a policy */
  int64_t stamped_at; /* seconds since 1970; 0 without a time stamp */
  int32_t has_policy; /* 1 if a quorum was asked for, and holds */
  int32_t has_stamp;  /* 1 if a time stamp was asked for, and holds */
} sigillo_proof_answer;

/* SIGILLO_OK: the leaf is this entry of the log, under a checkpoint that the log has signed, the
 * quorum has cosigned and the authority has stamped, as far as the question names them. There is no
 * partial success: else all members of *answer but struct_size are 0. SIGILLO_PROOF_INVALID,
 * SIGILLO_SIGNATURE_INVALID and SIGILLO_NOT_TRUSTED are the answer no; other codes say that the
 * question cannot be answered. The JSON, if json_size is not NULL, is that of `sigillo log
 * verify-proof --json`, with origin and cosigners by name (rule 4; *answer is filled even if the
 * buffer is too small). */
SIGILLO_EXPORT sigillo_status sigillo_verify_proof(const sigillo_proof_question* question,
                                                   sigillo_proof_answer* answer, char* json,
                                                   size_t json_capacity, size_t* json_size);

#ifdef __cplusplus
}
#endif

#endif
