// The two structures of the Arrow C data interface, and the stream: how columns go to and from polars
// without a copy. The layout is fixed by Arrow's specification.
#pragma once
#include <cstdint>

extern "C" {
struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  ArrowSchema **children;
  ArrowSchema *dictionary;
  void (*release)(ArrowSchema *);
  void *private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  ArrowArray **children;
  ArrowArray *dictionary;
  void (*release)(ArrowArray *);
  void *private_data;
};

struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream *, ArrowSchema *);
  int (*get_next)(ArrowArrayStream *, ArrowArray *);
  const char *(*get_last_error)(ArrowArrayStream *);
  void (*release)(ArrowArrayStream *);
  void *private_data;
};
}

// A text of Arrow's "string view" type: up to 12 bytes stand in the view, longer ones in a buffer.
struct TextView {
  int32_t length;
  union {
    char inlined[12];
    struct {
      char prefix[4];
      int32_t buffer;
      int32_t offset;
    } far;
  };
};
static_assert(sizeof(TextView) == 16, "a string view has 16 bytes");
