// Where words and lines begin and end, found 64 bytes at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

inline bool is_space(uint8_t c) { return c == ' ' || (c >= 9 && c <= 13); }

struct Positions {
  // Room for the worst case, of which little is touched and so becomes memory.
  std::unique_ptr<uint32_t[]> edges;  // begin, end, begin, end, ... of words
  std::unique_ptr<uint32_t[]> lines;  // of line ends
  size_t room = 0;
  size_t edge_count = 0, line_count = 0;
  bool quotes = false, high_bytes = false;

  static void masks(const char *p, uint64_t &space, uint64_t &newline, uint64_t &quote, bool &high) {
    space = newline = quote = 0;
#if defined(__SSE2__)
    const __m128i blank = _mm_set1_epi8(' '), nine = _mm_set1_epi8(9), four = _mm_set1_epi8(4);
    const __m128i feed = _mm_set1_epi8('\n'), one = _mm_set1_epi8('\''), two = _mm_set1_epi8('"');
    for (int part = 0; part < 4; ++part) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p + 16 * part));
      high |= _mm_movemask_epi8(bytes) != 0;
      const __m128i low = _mm_sub_epi8(bytes, nine);
      const __m128i white =
          _mm_or_si128(_mm_cmpeq_epi8(bytes, blank), _mm_cmpeq_epi8(_mm_min_epu8(low, four), low));
      const __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, one), _mm_cmpeq_epi8(bytes, two));
      space |= uint64_t(uint32_t(_mm_movemask_epi8(white))) << (16 * part);
      newline |= uint64_t(uint32_t(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, feed)))) << (16 * part);
      quote |= uint64_t(uint32_t(_mm_movemask_epi8(marks))) << (16 * part);
    }
#else
    for (int i = 0; i < 64; ++i) {
      const uint8_t c = uint8_t(p[i]);
      space |= uint64_t(is_space(c)) << i;
      newline |= uint64_t(c == '\n') << i;
      high |= c >= 0x80;
      quote |= uint64_t(c == '"' || c == '\'') << i;
    }
#endif
  }

  // Bytes [0, length), which begin behind a line end and end with one; 64 more are readable.
  void find(const char *bytes, size_t length) {
    if (room < length + 128) {
      room = length + 128;
      edges.reset(new uint32_t[room]);
      lines.reset(new uint32_t[room]);
    }
    uint64_t before = 1;  // white space precedes
    uint32_t *edge = edges.get(), *line = lines.get();
    quotes = high_bytes = false;
    for (size_t at = 0; at < length; at += 64) {
      uint64_t space, newline, quote;
      masks(bytes + at, space, newline, quote, high_bytes);
      if (at + 64 > length) {
        const uint64_t inside = (uint64_t(1) << (length - at)) - 1;
        space |= ~inside;
        newline &= inside;
        quote &= inside;
      }
      uint64_t change = space ^ (space << 1 | before);
      before = space >> 63;
      quotes |= quote != 0;
      while (change) {
        *edge++ = uint32_t(at + size_t(__builtin_ctzll(change)));
        change &= change - 1;
      }
      while (newline) {
        *line++ = uint32_t(at + size_t(__builtin_ctzll(newline)));
        newline &= newline - 1;
      }
    }
    edge_count = size_t(edge - edges.get());
    line_count = size_t(line - lines.get());
  }
};
