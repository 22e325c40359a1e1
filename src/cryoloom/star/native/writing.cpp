// Columns to the lines of a STAR table, laid out as cryoloom.star.writing lays them out in Python, byte for byte.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <unistd.h>
#include <vector>

#include "arrow.h"
#include "kept.h"

namespace {

constexpr size_t NUMBER_WIDTH = 12, TEXT_WIDTH = 8;
constexpr size_t LONGEST_NUMBER = 32;
constexpr ptrdiff_t PIECE = 256 * 1024;  // written to the file at a time
constexpr ptrdiff_t KEPT_AT_MOST = 8 << 20;

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

// Digits backwards from `end`; returns where they begin.
template <class T> inline char *digits_before(char *end, T value) {
  while (value >= 100) {
    end -= 2;
    memcpy(end, PAIRS.digits + 2 * (value % 100), 2);
    value /= 100;
  }
  if (value >= 10) {
    end -= 2;
    memcpy(end, PAIRS.digits + 2 * value, 2);
  } else {
    *--end = char('0' + value);
  }
  return end;
}

// A number's text, made backwards from the middle: all copies are of LONGEST_NUMBER bytes, whatever its length.
struct Scratch {
  char bytes[2 * LONGEST_NUMBER];
  char *middle() { return bytes + LONGEST_NUMBER; }
};

// `length` bytes at `begin`, right-aligned, to `out`, which has room for LONGEST_NUMBER + NUMBER_WIDTH. Returns the end.
inline char *place(char *out, const char *begin, size_t length) {
  memset(out, ' ', NUMBER_WIDTH);
  if (length < NUMBER_WIDTH) out += NUMBER_WIDTH - length;
  memcpy(out, begin, LONGEST_NUMBER);
  return out + length;
}

inline char *write_integer(char *out, uint64_t value, bool negative) {
  Scratch scratch;
  char *begin = digits_before(scratch.middle(), value);
  if (negative) *--begin = '-';
  return place(out, begin, size_t(scratch.middle() - begin));
}

// Most numbers of a STAR file have six decimals: those need no search for the shortest digits.
inline char *write_real(char *out, double value) {
  Scratch scratch;
  const double size = std::fabs(value);
  if (size < 1e8 && (size >= 1e-4 || value == 0)) {
    const int64_t millionths = int64_t(size * 1e6 + 0.5);
    if (double(millionths) / 1e6 == size) {
      const uint32_t whole = uint32_t(uint64_t(millionths) / 1000000), rest = uint32_t(uint64_t(millionths) - uint64_t(whole) * 1000000);
      char *end = scratch.middle();
      memcpy(end - 2, PAIRS.digits + 2 * (rest % 100), 2);
      memcpy(end - 4, PAIRS.digits + 2 * (rest / 100 % 100), 2);
      memcpy(end - 6, PAIRS.digits + 2 * (rest / 10000), 2);
      end[-7] = '.';
      char *begin = digits_before(end - 7, whole);
      *(begin - 1) = '-';
      begin -= std::signbit(value);
      return place(out, begin, size_t(end - begin));
    }
  }
  return place(out, scratch.bytes, size_t(write_shortest(scratch.bytes, value) - scratch.bytes));
}

bool is_space(char c) { return c == ' ' || (c >= 9 && c <= 13); }

struct Bytes {
  char *begin = nullptr, *at = nullptr, *end = nullptr;
  ~Bytes() { free_all(); }
  void free_all() {
    free(begin);
    begin = at = end = nullptr;
  }
  void room(size_t more) {
    if (size_t(end - at) >= more) return;
    const size_t used = size_t(at - begin), size = std::max(2 * size_t(end - begin), used + more + (1 << 16));
    char *moved = static_cast<char *>(realloc(begin, size));
    if (!moved) throw std::bad_alloc();
    begin = moved, at = moved + used, end = moved + size;
  }
};

struct Unwritable {};
struct Changed {
  int error;  // errno, or 0: the file is not what it was
};

struct Source {
  char format = 0;  // Arrow's, with 'v' for string views and 'z' for binary views
  const ArrowArray *array = nullptr;

  bool null(int64_t row) const {
    const auto *valid = static_cast<const uint8_t *>(array->buffers[0]);
    return valid && !(valid[row >> 3] >> (row & 7) & 1);
  }
  template <class T> T value(int64_t row) const { return static_cast<const T *>(array->buffers[1])[row]; }

  void text(int64_t row, const char *&begin, size_t &length) const {
    if (format == 'v' || format == 'z') {
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

// Bytes that are white space or other control characters, perhaps: false positives cost a closer look only.
inline uint64_t low_bytes(const char *p) {
  uint64_t eight;
  memcpy(&eight, p, 8);
  return (eight - 0x2121212121212121u) & ~eight & 0x8080808080808080u;
}

bool needs_quotes(const char *begin, size_t length) {
  if (length == 0) return true;
  const char first = *begin;
  if (first == '"' || first == '\'' || first == '#' || first == '_') return true;
  if ((first == 'd' || first == 'l') && length >= 5 && (!memcmp(begin, "data_", 5) || !memcmp(begin, "loop_", 5))) return true;
  uint64_t low = length < 8;
  for (size_t i = 0; i + 8 <= length; i += 8) low |= low_bytes(begin + i);
  if (length >= 8) low |= low_bytes(begin + length - 8);
  return low && std::any_of(begin, begin + length, is_space);
}

void write_text(Bytes &out, const char *begin, size_t length) {
  const bool special = needs_quotes(begin, length);
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
  bool one = false, two = false;
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

// Bytes of another file's line, as they are; they bring the space before them.
void write_bytes(Bytes &out, const char *begin, size_t length, bool is_first) {
  if (!is_first && !(length && is_space(*begin))) *out.at++ = ' ';
  memcpy(out.at, begin, length);
  out.at += length;
}

// `out` has room for LONGEST_NUMBER bytes and NUMBER_WIDTH more.
char *write_number(char *out, const Source &source, int64_t row) {
  if (source.null(row)) {
    static const char NONE[LONGEST_NUMBER + 1] = "nan";
    return place(out, NONE, 3);
  }
  int64_t value = 0;
  switch (source.format) {
    case 'g': return write_real(out, source.value<double>(row));
    case 'f': return write_real(out, double(source.value<float>(row)));
    case 'L': return write_integer(out, source.value<uint64_t>(row), false);
    case 'l': value = source.value<int64_t>(row); break;
    case 'i': value = source.value<int32_t>(row); break;
    case 's': value = source.value<int16_t>(row); break;
    case 'c': value = source.value<int8_t>(row); break;
    case 'I': value = source.value<uint32_t>(row); break;
    case 'S': value = source.value<uint16_t>(row); break;
    case 'C': value = source.value<uint8_t>(row); break;
    default: value = static_cast<const uint8_t *>(source.array->buffers[1])[row >> 3] >> (row & 7) & 1;
  }
  return write_integer(out, value < 0 ? ~uint64_t(value) + 1 : uint64_t(value), value < 0);
}

void write_row(Bytes &out, const std::vector<Source> &sources, Lines &lines, int64_t row) {
  out.room(sources.size() * (LONGEST_NUMBER + NUMBER_WIDTH) + 2);
  for (size_t c = 0; c < sources.size(); ++c) {
    const Source &source = sources[c];
    const int64_t at = row + source.array->offset;
    const bool is_bytes = source.format == 'z';
    if (c && !is_bytes) *out.at++ = ' ';
    if (!is_bytes && source.format != 'v' && source.format != 'u' && source.format != 'U') {
      out.at = write_number(out.at, source, at);
      continue;
    }
    const char *begin = "None";
    size_t length = 4;
    if (!source.null(at)) source.text(at, begin, length);
    if (is_bytes && Reference::is_one(begin, length)) {
      const Reference wanted = Reference::from(begin);
      int error = 0;
      begin = lines.text(wanted, error);
      length = wanted.length;
      if (!begin) throw Changed{error};
    }
    out.room(length + TEXT_WIDTH + 8 + (sources.size() - c) * (LONGEST_NUMBER + NUMBER_WIDTH) + 2);
    if (is_bytes) write_bytes(out, begin, length, c == 0);
    else write_text(out, begin, length);
  }
  *out.at++ = ' ';
  *out.at++ = '\n';
}

// Everything held goes to the file, however many calls that takes. False: errno says why.
bool flush(int file, Bytes &out) {
  for (const char *p = out.begin; p < out.at;) {
    const ssize_t count = write(file, p, size_t(out.at - p));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    p += count;
  }
  out.at = out.begin;
  return true;
}

enum Result : int32_t { DONE = 0, NO_MEMORY = 1, UNKNOWN_TYPE = 2, NOT_WRITABLE = 3, WRITE_ERROR = 4, CHANGED = 5 };

}  // namespace

extern "C" {

// All rows of a stream of frames: to `file` (`at_once`: in one write), or where that is -1 as one piece of text, which
// `cryoloom_star_free_text` frees. `where`: the row of a value that cannot be written, or errno.
int32_t cryoloom_star_lines(ArrowArrayStream *stream, int32_t file, int32_t at_once, char **text, int64_t *length, int64_t *where) {
  ArrowSchema schema{};
  ArrowArray batch{};
  int32_t result = DONE;
  int64_t row = 0;
  try {
    // Kept from call to call: a batch of a hundred rows costs no fresh memory.
    static thread_local Bytes kept;
    Bytes own;
    Bytes &out = file >= 0 ? kept : own;
    out.at = out.begin;
    if (stream->get_schema(stream, &schema)) return UNKNOWN_TYPE;
    Lines lines;
    std::vector<Source> sources(size_t(schema.n_children));
    for (int64_t c = 0; c < schema.n_children; ++c) {
      const char *format = schema.children[c]->format;
      const bool is_view = !strcmp(format, "vu") || !strcmp(format, "vz");
      const bool known = is_view || (strlen(format) == 1 && strchr("lLiIsScCgfbuU", *format));
      sources[size_t(c)].format = is_view && format[1] == 'z' ? 'z' : *format;
      if (!known) result = UNKNOWN_TYPE;
    }
    while (result == DONE && stream->get_next(stream, &batch) == 0 && batch.release) {
      for (int64_t c = 0; c < batch.n_children; ++c) sources[size_t(c)].array = batch.children[c];
      for (int64_t i = 0; i < batch.length && result == DONE; ++i, ++row) {
        write_row(out, sources, lines, i + batch.offset);
        if (file >= 0 && !at_once && out.at - out.begin > PIECE && !flush(file, out)) result = WRITE_ERROR;
      }
      batch.release(&batch);
    }
    if (result == DONE && lines.changed()) throw Changed{0};
    if (result == DONE && file >= 0 && !flush(file, out)) result = WRITE_ERROR;
    if (result == WRITE_ERROR) *where = errno;
    if (file < 0) {
      *text = out.begin;
      *length = out.at - out.begin;
      out.begin = nullptr;
    } else if (kept.end - kept.begin > KEPT_AT_MOST) {
      kept.free_all();
    }
  } catch (const std::bad_alloc &) {
    result = NO_MEMORY;
  } catch (const Changed &why) {
    result = why.error ? WRITE_ERROR : CHANGED;
    *where = why.error;
  } catch (const Unwritable &) {
    result = NOT_WRITABLE;
    *where = row;
  }
  if (batch.release) batch.release(&batch);
  if (schema.release) schema.release(&schema);
  return result;
}

void cryoloom_star_free_text(char *text) { free(text); }
}
