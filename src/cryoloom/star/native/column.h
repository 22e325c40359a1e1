// One column while its table is read: the narrowest type that all words so far have, and their values.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "arrow.h"
#include "number.h"

constexpr size_t TEXT_BUFFER = 1 << 20;  // bytes of long texts kept together

struct Column {
  bool wanted = false;
  bool always_text = false;
  bool is_bytes = false;  // of a run: handed over as bytes, not as text
  bool spoiled = false;  // numbers were stored before a text came: it must be read again as text
  Kind kind = Kind::Integer;
  void *values = nullptr;  // int64_t, double or TextView
  size_t capacity = 0;
  std::vector<char *> buffers;
  std::vector<int64_t> buffer_lengths;
  size_t buffer_room = 0;
  bool high_bytes = false;

  ~Column() {
    free(values);
    for (char *buffer : buffers) free(buffer);
  }

  size_t width() const { return kind == Kind::Text ? sizeof(TextView) : 8; }

  void be_bytes() {
    wanted = always_text = is_bytes = true;
    kind = Kind::Text;
  }

  void grow(size_t rows) {
    if (rows > capacity) move_to(rows, capacity);
  }

  // Room for so many rows, more or fewer than before; those kept are carried along.
  void move_to(size_t rows, size_t kept) {
    void *more = kept ? realloc(values, rows * width()) : malloc(rows * width());
    if (!more) throw std::bad_alloc();
    if (!kept) free(values);
    values = more;
    capacity = rows;
  }

  int64_t *integers() { return static_cast<int64_t *>(values); }
  double *reals() { return static_cast<double *>(values); }
  TextView *texts() { return static_cast<TextView *>(values); }

  void become_text(size_t row) {
    if (row > 0) {
      spoiled = true;
      wanted = false;
      return;
    }
    kind = Kind::Text;
    move_to(capacity, 0);
  }

  // False: an integer among these cannot be a double.
  bool become_real(size_t row) {
    for (size_t i = 0; i < row; ++i) {
      const int64_t value = integers()[i];
      if (value > EXACT_IN_DOUBLE || value < -EXACT_IN_DOUBLE)
        if (int64_t(double(value)) != value) return false;
    }
    int64_t *from = integers();
    double *to = reals();
    for (size_t i = 0; i < row; ++i) to[i] = double(from[i]);
    kind = Kind::Float;
    return true;
  }

  void store_text(size_t row, const char *begin, size_t length) {
    uint8_t high = 0;
    for (size_t i = 0; i < length; ++i) high |= uint8_t(begin[i]);
    high_bytes |= high >= 0x80;
    TextView &view = texts()[row];
    memset(&view, 0, sizeof view);
    view.length = int32_t(length);
    if (length <= sizeof view.inlined) {
      memcpy(view.inlined, begin, length);
      return;
    }
    if (row > 0) {
      // Names of micrographs come in runs: point to the same bytes.
      const TextView &last = texts()[row - 1];
      if (last.length == view.length && memcmp(text_of(last), begin, length) == 0) {
        view = last;
        return;
      }
    }
    if (length > buffer_room) {
      const size_t size = std::max(length, TEXT_BUFFER);
      char *buffer = static_cast<char *>(malloc(size));
      if (!buffer) throw std::bad_alloc();
      buffers.push_back(buffer);
      buffer_lengths.push_back(0);
      buffer_room = size;
    }
    int64_t &used = buffer_lengths.back();
    memcpy(buffers.back() + used, begin, length);
    memcpy(view.far.prefix, begin, 4);
    view.far.buffer = int32_t(buffers.size() - 1);
    view.far.offset = int32_t(used);
    used += int64_t(length);
    buffer_room -= length;
  }

  const char *text_of(const TextView &view) const {
    return view.length <= int32_t(sizeof view.inlined) ? view.inlined : buffers[view.far.buffer] + view.far.offset;
  }

  // The byte at `end` is white space or padding.
  void store(size_t row, const char *begin, const char *end) {
    if (kind == Kind::Text) {
      store_text(row, begin, size_t(end - begin));
      return;
    }
    int64_t integer = 0;
    double real = 0;
    Kind found = always_text ? Kind::Text : parse_number(begin, end, integer, real);
    if (found == Kind::Text) {
      become_text(row);
      if (!spoiled) store_text(row, begin, size_t(end - begin));
      return;
    }
    if (kind == Kind::Integer) {
      if (found == Kind::Integer) {
        integers()[row] = integer;
        return;
      }
      if (!become_real(row)) {
        become_text(row);
        return;
      }
    }
    if (found == Kind::Integer) {
      real = double(integer);
      if ((integer > EXACT_IN_DOUBLE || integer < -EXACT_IN_DOUBLE) && int64_t(real) != integer) {
        become_text(row);
        if (!spoiled) store_text(row, begin, size_t(end - begin));
        return;
      }
    }
    reals()[row] = real;
  }
};
