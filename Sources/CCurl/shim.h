#ifndef CCURL_SHIM_H
#define CCURL_SHIM_H

/* libcurl is not linked: at rest it would take six megabytes of memory that most services never
   need. It is loaded when something is first sent, and called by the addresses found then. */

#define CURL_DISABLE_TYPECHECK 1
#define CURL_DISABLE_DEPRECATION 1
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdint.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo

typedef struct {
  CURL *(*easy_init)(void);
  CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
  CURLcode (*easy_perform)(CURL *);
  void (*easy_reset)(CURL *);
  CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
  void (*easy_cleanup)(CURL *);
  const char *(*easy_strerror)(CURLcode);
  struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
  void (*slist_free_all)(struct curl_slist *);
} ccurl_library;

/* Loads the library and starts it. Returns null, or what the loader says is wrong. */
static inline const char *ccurl_open(ccurl_library *library) {
  void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!handle) handle = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    /* The error of the name that is usual. */
    dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    return dlerror();
  }
  CURLcode (*global_init)(long);
  const struct { const char *name; void **function; } symbols[] = {
    {"curl_global_init", (void **)&global_init},
    {"curl_easy_init", (void **)&library->easy_init},
    {"curl_easy_setopt", (void **)&library->easy_setopt},
    {"curl_easy_perform", (void **)&library->easy_perform},
    {"curl_easy_reset", (void **)&library->easy_reset},
    {"curl_easy_getinfo", (void **)&library->easy_getinfo},
    {"curl_easy_cleanup", (void **)&library->easy_cleanup},
    {"curl_easy_strerror", (void **)&library->easy_strerror},
    {"curl_slist_append", (void **)&library->slist_append},
    {"curl_slist_free_all", (void **)&library->slist_free_all},
  };
  for (size_t index = 0; index < sizeof symbols / sizeof symbols[0]; index++) {
    *symbols[index].function = dlsym(handle, symbols[index].name);
    if (!*symbols[index].function) return dlerror();
  }
  return global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? (const char *)0 : "it does not start";
}

static inline CURL *ccurl_init(ccurl_library library) { return library.easy_init(); }

static inline CURLcode ccurl_perform(ccurl_library library, CURL *easy) {
  return library.easy_perform(easy);
}

static inline void ccurl_reset(ccurl_library library, CURL *easy) { library.easy_reset(easy); }

static inline void ccurl_cleanup(ccurl_library library, CURL *easy) {
  library.easy_cleanup(easy);
}

static inline const char *ccurl_error(ccurl_library library, CURLcode code) {
  return library.easy_strerror(code);
}

static inline struct curl_slist *ccurl_append(
    ccurl_library library, struct curl_slist *list, const char *text) {
  return library.slist_append(list, text);
}

static inline void ccurl_free(ccurl_library library, struct curl_slist *list) {
  library.slist_free_all(list);
}

/* What takes any number of arguments of any type, with the types that are meant. */

static inline CURLcode ccurl_set_long(
    ccurl_library library, CURL *easy, CURLoption option, long value) {
  return library.easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_size(
    ccurl_library library, CURL *easy, CURLoption option, int64_t value) {
  return library.easy_setopt(easy, option, (curl_off_t)value);
}

static inline CURLcode ccurl_set_text(
    ccurl_library library, CURL *easy, CURLoption option, const char *value) {
  return library.easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_pointer(
    ccurl_library library, CURL *easy, CURLoption option, void *value) {
  return library.easy_setopt(easy, option, value);
}

/* Functions that are given bytes or asked for some: of the write, header and read options. */
typedef size_t (*ccurl_bytes_function)(char *, size_t, size_t, void *);

static inline CURLcode ccurl_set_bytes(
    ccurl_library library, CURL *easy, CURLoption option, ccurl_bytes_function function) {
  return library.easy_setopt(easy, option, function);
}

static inline CURLcode ccurl_set_socket(
    ccurl_library library, CURL *easy, curl_opensocket_callback function) {
  return library.easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, function);
}

static inline long ccurl_response_code(ccurl_library library, CURL *easy) {
  long code = 0;
  library.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
  return code;
}

/* The number of the last error that the system gave, as when no connection was made. */
static inline long ccurl_system_error(ccurl_library library, CURL *easy) {
  long number = 0;
  library.easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  return number;
}

/* The options and numbers that are macros or enumerations. The old form of the protocols is the one
   that every version knows. */
static inline CURLcode ccurl_limit_protocols(ccurl_library library, CURL *easy, int is_mail) {
  long web = CURLPROTO_HTTP | CURLPROTO_HTTPS;
  long mail = CURLPROTO_SMTP | CURLPROTO_SMTPS;
  return library.easy_setopt(easy, CURLOPT_PROTOCOLS, is_mail ? mail : web);
}

static inline CURLcode ccurl_require_tls(ccurl_library library, CURL *easy, int is_required) {
  return library.easy_setopt(
      easy, CURLOPT_USE_SSL, (long)(is_required ? CURLUSESSL_ALL : CURLUSESSL_NONE));
}

#endif
