// One word of a STAR file as a number, or the finding that it is none.
#pragma once
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

enum class Kind : uint8_t { Integer, Float, Text };

// Integers beyond this are not all doubles: such a word in a column of floats makes the column text.
constexpr int64_t EXACT_IN_DOUBLE = int64_t(1) << 53;

inline double float_of_any_length(const char *begin, const char *end) {
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
  double value = 0;
  const char *start = *begin == '+' ? begin + 1 : begin;
  if (std::from_chars(start, end, value).ec == std::errc()) return value;
#endif
  return strtod(std::string(begin, end).c_str(), nullptr);  // out of range: infinite or zero
}

inline bool is_nan_or_inf(const char *p, size_t length) {
  if (length != 3) return false;
  for (const char *word : {"nan", "NaN", "NAN", "inf", "Inf", "INF"})
    if (memcmp(p, word, 3) == 0) return true;
  return false;
}

// The bytes behind `end` must be readable and `*end` must not continue a number (it is white space or 0).
inline Kind parse_number(const char *begin, const char *end, int64_t &integer, double &real) {
  static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                  1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
  const char *p = begin;
  const bool negative = *p == '-';
  const bool plus = *p == '+';
  p += negative || plus;
  const char *digits = p;
  uint64_t mantissa = 0;
  unsigned digit;
  while ((digit = unsigned(uint8_t(*p)) - '0') < 10) mantissa = mantissa * 10 + digit, ++p;
  const int64_t whole = p - digits;
  if (whole > 1 && *digits == '0') return Kind::Text;  // an identifier, "0000123"
  if (p == end) {
    if (whole == 0 || whole > 18) return Kind::Text;
    integer = negative ? -int64_t(mantissa) : int64_t(mantissa);
    if (!plus && !(negative && integer == 0)) return Kind::Integer;
    real = negative ? -double(mantissa) : double(mantissa);  // "-0" keeps its sign as a float
    return int64_t(real) == integer ? Kind::Float : Kind::Text;
  }
  int64_t decimals = 0;
  if (*p == '.') {
    const char *point = ++p;
    while ((digit = unsigned(uint8_t(*p)) - '0') < 10) mantissa = mantissa * 10 + digit, ++p;
    decimals = p - point;
    if (p == end && whole + decimals > 0) {
      // Exact: both are doubles without rounding, and one division rounds once.
      if (whole + decimals <= 19 && mantissa <= uint64_t(EXACT_IN_DOUBLE)) {
        const double value = double(int64_t(mantissa)) / POWERS[decimals];
        real = negative ? -value : value;
      } else {
        real = float_of_any_length(begin, end);
      }
      return Kind::Float;
    }
  }
  if (whole + decimals > 0 && (*p == 'e' || *p == 'E')) {
    ++p;
    p += *p == '-' || *p == '+';
    const char *exponent = p;
    while (unsigned(uint8_t(*p)) - '0' < 10) ++p;
    if (p == end && p > exponent) {
      real = float_of_any_length(begin, end);
      return Kind::Float;
    }
    return Kind::Text;
  }
  if (whole + decimals == 0 && is_nan_or_inf(digits, size_t(end - digits))) {
    real = strtod(std::string(digits, end).c_str(), nullptr);
    if (negative) real = -real;
    return Kind::Float;
  }
  return Kind::Text;
}
