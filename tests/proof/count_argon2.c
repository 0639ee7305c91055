// Writes a line for each password that is hashed or checked, with its cost, to the file that ARGON2_LOG names: preloaded by
// regressions_test.py, which compares what is done for an address that somebody has with what is done for others.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(const char* line, size_t length) {
  const char* path = getenv("ARGON2_LOG");
  const int file = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (file < 0) return;
  if (write(file, line, length) < 0) abort();
  close(file);
}

int argon2id_hash_encoded(uint32_t t, uint32_t m, uint32_t lanes, const void* pwd, size_t pwd_size, const void* salt, size_t salt_size,
                          size_t hash_size, char* encoded, size_t encoded_size) {
  int (*next)(uint32_t, uint32_t, uint32_t, const void*, size_t, const void*, size_t, size_t, char*, size_t);
  *(void**)&next = dlsym(RTLD_NEXT, "argon2id_hash_encoded");
  char line[64];
  note(line, (size_t)snprintf(line, sizeof line, "m=%u,t=%u,p=%u\n", m, t, lanes));
  return next(t, m, lanes, pwd, pwd_size, salt, salt_size, hash_size, encoded, encoded_size);
}

int argon2id_verify(const char* encoded, const void* pwd, size_t pwd_size) {
  int (*next)(const char*, const void*, size_t);
  *(void**)&next = dlsym(RTLD_NEXT, "argon2id_verify");
  const char* cost = strstr(encoded, "m=");
  char line[64];
  note(line, (size_t)snprintf(line, sizeof line, "%.*s\n", cost == NULL ? 0 : (int)strcspn(cost, "$"), cost == NULL ? "" : cost));
  return next(encoded, pwd, pwd_size);
}
