// Columns to the lines of a STAR table, laid out as cryoloom.star.slow lays them out, byte for byte.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "arrow.h"

namespace {

constexpr size_t NUMBER_WIDTH = 12, TEXT_WIDTH = 8;
constexpr size_t LONGEST_NUMBER = 32;

// A number as Python's repr writes it: the shortest digits that read back as the same double.
char *write_shortest(char *out, double value) {
  if (std::isnan(value)) return static_cast<char *>(memcpy(out, "nan", 3)) + 3;
  if (std::isinf(value)) {
    if (value < 0) *out++ = '-';
    return static_cast<char *>(memcpy(out, "inf", 3)) + 3;
  }
  char text[40];
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
  char *end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  *end = '\0';
#else
  for (int digits = 0; digits < 18; ++digits) {
    snprintf(text, sizeof text, "%.*e", digits, value);
    if (strtod(text, nullptr) == value) break;
  }
#endif
  const char *p = text;
  if (*p == '-') *out++ = *p++;
  char digits[24] = {};
  int count = 0;
  for (; *p != 'e'; ++p)
    if (*p != '.') digits[count++] = *p;
  const int exponent = atoi(p + 1);
  if (exponent < -4 || exponent >= 16) {
    *out++ = digits[0];
    if (count > 1) {
      *out++ = '.';
      memcpy(out, digits + 1, size_t(count - 1));
      out += count - 1;
    }
    return out + snprintf(out, 8, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
  }
  if (exponent < 0) {
    *out++ = '0';
    *out++ = '.';
    for (int i = -1; i > exponent; --i) *out++ = '0';
    memcpy(out, digits, size_t(count));
    return out + count;
  }
  for (int i = 0; i <= exponent; ++i) *out++ = i < count ? digits[i] : '0';
  *out++ = '.';
  if (count <= exponent + 1) {
    *out++ = '0';
    return out;
  }
  memcpy(out, digits + exponent + 1, size_t(count - exponent - 1));
  return out + (count - exponent - 1);
}

struct Pairs {
  char digits[200];
  Pairs() {
    for (int i = 0; i < 100; ++i) digits[2 * i] = char('0' + i / 10), digits[2 * i + 1] = char('0' + i % 10);
  }
};
const Pairs PAIRS;

char *write_integer(char *out, uint64_t value, bool negative) {
  char text[24];
  char *p = text + sizeof text;
  while (value >= 100) {
    p -= 2;
    memcpy(p, PAIRS.digits + 2 * (value % 100), 2);
    value /= 100;
  }
  if (value >= 10) {
    p -= 2;
    memcpy(p, PAIRS.digits + 2 * value, 2);
  } else {
    *--p = char('0' + value);
  }
  if (negative) *--p = '-';
  const size_t length = size_t(text + sizeof text - p);
  memcpy(out, p, length);
  return out + length;
}

// Most numbers of a STAR file have at most six decimals: those need no search for the shortest digits.
char *write_real(char *out, double value) {
  const double size = std::fabs(value);
  if (size < 1e8 && (size >= 1e-4 || value == 0)) {
    const int64_t millionths = int64_t(size * 1e6 + 0.5);
    if (double(millionths) / 1e6 == size) {
      if (std::signbit(value)) *out++ = '-';
      out = write_integer(out, uint64_t(millionths / 1000000), false);
      uint32_t rest = uint32_t(millionths % 1000000);
      *out = '.';
      memcpy(out + 1, PAIRS.digits + 2 * (rest / 10000), 2);
      memcpy(out + 3, PAIRS.digits + 2 * (rest / 100 % 100), 2);
      memcpy(out + 5, PAIRS.digits + 2 * (rest % 100), 2);
      char *end = out + 7;
      while (end[-1] == '0' && end > out + 2) --end;
      return end;
    }
  }
  return write_shortest(out, value);
}

bool is_space(char c) { return c == ' ' || (c >= 9 && c <= 13); }

struct Bytes {
  char *begin = nullptr, *at = nullptr, *end = nullptr;
  ~Bytes() { free(begin); }
  void room(size_t more) {
    if (size_t(end - at) >= more) return;
    const size_t used = size_t(at - begin), size = std::max(2 * size_t(end - begin), used + more + (1 << 16));
    char *moved = static_cast<char *>(realloc(begin, size));
    if (!moved) throw std::bad_alloc();
    begin = moved, at = moved + used, end = moved + size;
  }
};

struct Unwritable {};

struct Source {
  char format = 0;  // Arrow's, with 'v' for string views
  const ArrowArray *array = nullptr;

  bool null(int64_t row) const {
    const auto *valid = static_cast<const uint8_t *>(array->buffers[0]);
    return valid && !(valid[row >> 3] >> (row & 7) & 1);
  }
  template <class T> T value(int64_t row) const { return static_cast<const T *>(array->buffers[1])[row]; }

  void text(int64_t row, const char *&begin, size_t &length) const {
    if (format == 'v') {
      const TextView &view = static_cast<const TextView *>(array->buffers[1])[row];
      length = size_t(view.length);
      begin = view.length <= 12 ? view.inlined : static_cast<const char *>(array->buffers[2 + view.far.buffer]) + view.far.offset;
    } else if (format == 'U') {
      const int64_t *offsets = static_cast<const int64_t *>(array->buffers[1]) + row;
      begin = static_cast<const char *>(array->buffers[2]) + offsets[0];
      length = size_t(offsets[1] - offsets[0]);
    } else {
      const int32_t *offsets = static_cast<const int32_t *>(array->buffers[1]) + row;
      begin = static_cast<const char *>(array->buffers[2]) + offsets[0];
      length = size_t(offsets[1] - offsets[0]);
    }
  }
};

void write_text(Bytes &out, const char *begin, size_t length) {
  bool low = false, one = false, two = false;
  for (size_t i = 0; i < length; ++i) low |= uint8_t(begin[i]) <= ' ';
  bool special = length == 0 || memchr("\"'#_", *begin, 4) || (length >= 5 && (!memcmp(begin, "data_", 5) || !memcmp(begin, "loop_", 5)));
  if (low)
    for (size_t i = 0; i < length; ++i) special |= is_space(begin[i]);
  out.room(length + TEXT_WIDTH + 8);
  size_t characters = special ? length + 2 : length;
  if (characters < 4 * TEXT_WIDTH + 2)
    for (size_t i = 0; i < length; ++i) characters -= (begin[i] & 0xC0) == 0x80;
  for (size_t i = characters; i < TEXT_WIDTH; ++i) *out.at++ = ' ';
  if (!special) {
    memcpy(out.at, begin, length);
    out.at += length;
    return;
  }
  // A quote inside ends the word where white space (or the closing quote itself) follows it.
  for (size_t i = 0; i < length; ++i) {
    const bool ends = i + 1 == length || is_space(begin[i + 1]);
    one |= begin[i] == '\'' && ends && i + 1 < length;
    two |= begin[i] == '"' && ends && i + 1 < length;
  }
  if (one && two) throw Unwritable();
  const char quote = two ? '\'' : '"';
  *out.at++ = quote;
  for (size_t i = 0; i < length; ++i) *out.at++ = begin[i] == '\n' || begin[i] == '\r' ? ' ' : begin[i];
  *out.at++ = quote;
}

void write_number(Bytes &out, const Source &source, int64_t row) {
  out.room(LONGEST_NUMBER + NUMBER_WIDTH);
  char text[LONGEST_NUMBER], *end = text;
  if (source.null(row)) {
    end = static_cast<char *>(memcpy(text, "nan", 3)) + 3;
  } else {
    int64_t value = 0;
    switch (source.format) {
      case 'g': end = write_real(text, source.value<double>(row)); break;
      case 'f': end = write_real(text, double(source.value<float>(row))); break;
      case 'L': end = write_integer(text, source.value<uint64_t>(row), false); break;
      case 'l': value = source.value<int64_t>(row); break;
      case 'i': value = source.value<int32_t>(row); break;
      case 's': value = source.value<int16_t>(row); break;
      case 'c': value = source.value<int8_t>(row); break;
      case 'I': value = source.value<uint32_t>(row); break;
      case 'S': value = source.value<uint16_t>(row); break;
      case 'C': value = source.value<uint8_t>(row); break;
      default: value = static_cast<const uint8_t *>(source.array->buffers[1])[row >> 3] >> (row & 7) & 1;
    }
    if (end == text) end = write_integer(text, value < 0 ? ~uint64_t(value) + 1 : uint64_t(value), value < 0);
  }
  const size_t length = size_t(end - text);
  for (size_t i = length; i < NUMBER_WIDTH; ++i) *out.at++ = ' ';
  memcpy(out.at, text, length);
  out.at += length;
}

void write_row(Bytes &out, const std::vector<Source> &sources, int64_t row) {
  bool first = true;
  for (const Source &source : sources) {
    const int64_t at = row + source.array->offset;
    if (!first) {
      out.room(1);
      *out.at++ = ' ';
    }
    first = false;
    if (source.format != 'v' && source.format != 'u' && source.format != 'U') {
      write_number(out, source, at);
    } else if (source.null(at)) {
      write_text(out, "None", 4);
    } else {
      const char *begin = nullptr;
      size_t length = 0;
      source.text(at, begin, length);
      write_text(out, begin, length);
    }
  }
  out.room(2);
  *out.at++ = ' ';
  *out.at++ = '\n';
}

enum Result : int32_t { DONE = 0, NO_MEMORY = 1, UNKNOWN_TYPE = 2, NOT_WRITABLE = 3 };

}  // namespace

extern "C" {

// All rows of a stream of frames, as one piece of text that `cryoloom_star_free_text` frees. `where`: the row
// and the column of a value that cannot be written.
int32_t cryoloom_star_lines(ArrowArrayStream *stream, char **text, int64_t *length, int64_t *where) {
  ArrowSchema schema{};
  ArrowArray batch{};
  int32_t result = DONE;
  int64_t row = 0;
  try {
    Bytes out;
    if (stream->get_schema(stream, &schema)) return UNKNOWN_TYPE;
    std::vector<Source> sources(size_t(schema.n_children));
    for (int64_t c = 0; c < schema.n_children; ++c) {
      const char *format = schema.children[c]->format;
      const bool known = !strcmp(format, "vu") || (strlen(format) == 1 && strchr("lLiIsScCgfbuU", *format));
      sources[size_t(c)].format = *format;
      if (!known) result = UNKNOWN_TYPE, where[1] = c;
    }
    while (result == DONE && stream->get_next(stream, &batch) == 0 && batch.release) {
      for (int64_t c = 0; c < batch.n_children; ++c) sources[size_t(c)].array = batch.children[c];
      for (int64_t i = 0; i < batch.length; ++i, ++row) write_row(out, sources, i + batch.offset);
      batch.release(&batch);
    }
    *text = out.begin;
    *length = out.at - out.begin;
    out.begin = nullptr;
  } catch (const std::bad_alloc &) {
    result = NO_MEMORY;
  } catch (const Unwritable &) {
    result = NOT_WRITABLE;
    where[0] = row;
  }
  if (batch.release) batch.release(&batch);
  if (schema.release) schema.release(&schema);
  return result;
}

void cryoloom_star_free_text(char *text) { free(text); }
}
