// The rows of a STAR table, from a file's bytes into columns, in one pass and in pieces of constant size.
//
// A piece of the file is first turned into positions: where words begin and end, and where lines end
// (64 bytes at a time). A row is then 2 n positions between two line ends; whatever does not fit that,
// and every line with a quote, is looked at word by word. What is no row at all is left to the caller.
// Neighbouring columns that nobody looks at can be kept as one: a run, a reference to the piece of the line that holds them.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <new>
#include <unistd.h>
#include <vector>

#include "column.h"
#include "kept.h"
#include "positions.h"

namespace {

constexpr size_t PIECE = 256 * 1024;    // of the file, read at a time; stays in the second-level cache
constexpr size_t PADDING = 64;          // readable bytes behind a piece
constexpr uint8_t IN_RUN = 4;           // of a label's flags

// ---- words with quotes ---------------------------------------------------------------------------

struct Word {
  const char *begin, *end;
  const char *behind;  // the end with a closing quote
};

// As cryoloom.star.tokens.split_words: a quote at a word's begin holds to the same quote before white space.
void split_words(const char *p, const char *end, std::vector<Word> &words) {
  words.clear();
  while (true) {
    while (p < end && is_space(uint8_t(*p))) ++p;
    if (p >= end) return;
    if (*p == '"' || *p == '\'') {
      const char *close = p + 1;
      while (close < end && !(*close == *p && (close + 1 >= end || is_space(uint8_t(close[1]))))) ++close;
      if (close < end) {
        words.push_back({p + 1, close, close + 1});
        p = close + 1;
        continue;
      }
    }
    const char *begin = p;
    while (p < end && !is_space(uint8_t(*p))) ++p;
    words.push_back({begin, p, p});
  }
}

}  // namespace

// ---- a table -------------------------------------------------------------------------------------

enum Status : int32_t {
  AT_END = 0,        // of the file, or of what was asked for
  AT_HEADER = 1,     // a line that begins a block or a loop
  IRREGULAR = 2,     // a line with another number of words
  NOT_UTF8 = 3,      // a text of unknown encoding
  READ_ERROR = 4,    // errno in `error`
  NO_MEMORY = 5,
};

extern "C" struct Outcome {
  int64_t rows;
  int64_t end;    // offset of the first byte not taken
  int64_t lines;  // line ends before it
  int32_t status;
  int32_t words;  // in an irregular line
  int32_t after_blank;
  int32_t error;
};

namespace {

bool valid_utf8(const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    const uint8_t c = *p++;
    if (c < 0x80) continue;
    int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    if (c < 0xC2 || c > 0xF4 || end - p < more) return false;
    if (c == 0xE0 && *p < 0xA0) return false;
    if (c == 0xED && *p > 0x9F) return false;
    if (c == 0xF0 && *p < 0x90) return false;
    if (c == 0xF4 && *p > 0x8F) return false;
    for (; more; --more)
      if ((*p++ & 0xC0) != 0x80) return false;
  }
  return true;
}

// A word that would be taken for something else at a line's begin.
inline bool is_misread(const char *p, const char *end) {
  return *p == '#' || *p == '_' || (end - p >= 5 && (memcmp(p, "data_", 5) == 0 || memcmp(p, "loop_", 5) == 0));
}

struct Run {
  size_t first, last;  // labels
};

struct Table {
  size_t labels;
  std::vector<Run> runs;
  std::vector<Column> columns;  // one a label, then one a run
  size_t rows = 0;
  std::vector<Word> words;
  std::vector<char> scratch;
  int kept_file = -1;
  const char *piece = nullptr;  // of the file, at `piece_offset`
  int64_t piece_offset = 0;
  bool has_high_bytes = false;  // the piece
  bool bad_runs = false;        // of unknown encoding

  Table(size_t labels, const uint8_t *flags) : labels(labels) {
    for (size_t c = 0; c < labels; ++c) {
      if (!(flags[c] & IN_RUN)) continue;
      if (c && (flags[c - 1] & IN_RUN)) runs.back().last = c;
      else runs.push_back({c, c});
    }
    columns = std::vector<Column>(labels + runs.size());
    for (size_t c = 0; c < labels; ++c) {
      columns[c].wanted = (flags[c] & 3) != 0;
      columns[c].always_text = (flags[c] & 3) == 2;
    }
    for (size_t r = 0; r < runs.size(); ++r) columns[labels + r].be_bytes();
  }

  void reserve(size_t count) {
    for (Column &column : columns)
      if (column.wanted) column.grow(count);
  }

  // A run of a row, with the white space before it. False: it begins with a word that must not begin a line.
  bool store_run(size_t number, const char *from, const char *word, const char *to) {
    if (is_misread(word, to) || size_t(to - from) > Reference::LONGEST) return false;
    if (has_high_bytes) bad_runs |= !valid_utf8(reinterpret_cast<const uint8_t *>(from), reinterpret_cast<const uint8_t *>(to));
    const Reference found{uint16_t(kept_file), uint32_t(to - from), piece_offset + (from - piece)};
    TextView &view = columns[labels + number].texts()[rows];
    view.length = Reference::SIZE;
    found.to(view.inlined);
    return true;
  }

  // A line word by word; false where the number of words is not that of the labels, or a run cannot be kept.
  bool careful(const char *begin, const char *end, Outcome &outcome) {
    split_words(begin, end, words);
    outcome.words = int32_t(words.size());
    if (words.size() != labels) return false;
    for (size_t r = 0; r < runs.size(); ++r) {
      const auto [first, last] = runs[r];
      const char *from = first ? words[first - 1].behind : begin, *word = from;
      while (is_space(uint8_t(*word))) ++word;
      if (!store_run(r, from, word, words[last].behind)) return false;
    }
    for (size_t c = 0; c < labels; ++c) {
      Column &column = columns[c];
      if (!column.wanted) continue;
      // A word inside quotes is not followed by white space, which a number's parser relies on.
      scratch.assign(words[c].begin, words[c].end);
      scratch.resize(scratch.size() + 8, '\0');
      column.store(rows, scratch.data(), scratch.data() + (words[c].end - words[c].begin));
    }
    return true;
  }

  bool texts_are_utf8() const {
    for (const Column &column : columns) {
      if (!column.wanted || column.kind != Kind::Text || !column.high_bytes) continue;
      const TextView *views = static_cast<const TextView *>(column.values);
      for (size_t row = 0; row < rows; ++row) {
        const auto *text = reinterpret_cast<const uint8_t *>(column.text_of(views[row]));
        if (!valid_utf8(text, text + views[row].length)) return false;
      }
    }
    return true;
  }
};

// The lines of one piece. False: stop, `outcome` says why; `taken` is the offset of the line not taken.
bool take_lines(Table &table, const Positions &at, const char *bytes, Outcome &outcome, size_t &taken) {
  const size_t labels = table.labels;
  const uint32_t *edge = at.edges.get(), *const edges_end = edge + at.edge_count;
  const uint32_t *line = at.lines.get(), *const lines_end = line + at.line_count;
  size_t start = 0;
  std::vector<std::pair<uint32_t, Column *>> wanted;
  for (size_t c = 0; c < labels; ++c)
    if (table.columns[c].wanted) wanted.emplace_back(uint32_t(2 * c), &table.columns[c]);
  for (; line < lines_end; ++line) {
    const uint32_t stop = *line;
    taken = start;
    if (edge == edges_end || *edge > stop) {
      outcome.after_blank = 1;
      ++outcome.lines;
      start = stop + 1;
      continue;
    }
    const char *first = bytes + *edge;
    if (*first == '#') {
      while (edge < edges_end && *edge <= stop) ++edge;
      ++outcome.lines;
      start = stop + 1;
      continue;
    }
    if ((*first == 'd' && stop - *edge >= 5 && memcmp(first, "data_", 5) == 0) ||
        (*first == 'l' && edge[1] - *edge == 5 && memcmp(first, "loop_", 5) == 0)) {
      outcome.status = AT_HEADER;
      return false;
    }
    const size_t left = size_t(edges_end - edge);
    const bool plain = !at.quotes || (!memchr(bytes + start, '"', stop - start) && !memchr(bytes + start, '\'', stop - start));
    const bool fits = left >= 2 * labels && edge[2 * labels - 1] <= stop && (left == 2 * labels || edge[2 * labels] > stop);
    if (plain && fits) {
      const size_t row = table.rows;
      for (const auto &[position, column] : wanted)
        if (column->wanted) column->store(row, bytes + edge[position], bytes + edge[position + 1]);
      for (size_t r = 0; r < table.runs.size(); ++r) {
        const auto [first, last] = table.runs[r];
        const char *from = bytes + (first ? edge[2 * first - 1] : start);
        if (!table.store_run(r, from, bytes + edge[2 * first], bytes + edge[2 * last + 1])) {
          outcome.status = IRREGULAR;
          return false;
        }
      }
      edge += 2 * labels;
    } else {
      if (!table.careful(bytes + start, bytes + stop, outcome)) {
        outcome.status = IRREGULAR;
        return false;
      }
      while (edge < edges_end && *edge <= stop) ++edge;
    }
    ++table.rows;
    outcome.after_blank = 0;
    ++outcome.lines;
    start = stop + 1;
  }
  taken = start;
  return true;
}

void read_rows(Table &table, int file, int64_t offset, int64_t end, Outcome &outcome) {
  std::vector<char> buffer(PIECE + PADDING);
  Positions positions;
  size_t held = 0;  // bytes in the buffer, which begin at `offset`
  size_t capacity = 0;
  bool at_end = false;
  while (!at_end) {
    if (held + PADDING >= buffer.size()) buffer.resize(buffer.size() * 2);
    size_t room = buffer.size() - PADDING - held;
    if (end >= 0) room = size_t(std::min<int64_t>(int64_t(room), end - offset - int64_t(held)));
    ssize_t count = room ? pread(file, buffer.data() + held, room, off_t(offset + int64_t(held))) : 0;
    if (count < 0) {
      if (errno == EINTR) continue;
      outcome.status = READ_ERROR;
      outcome.error = errno;
      return;
    }
    at_end = count == 0;
    held += size_t(count);
    size_t whole = held;
    if (at_end) {
      if (held == 0) return;
      if (buffer[held - 1] != '\n') {
        buffer[held] = '\n';  // the last line may lack its end
        whole = held + 1;
      }
    } else {
      const void *last = memrchr(buffer.data(), '\n', held);
      if (!last) continue;
      whole = size_t(static_cast<const char *>(last) - buffer.data()) + 1;
    }
    memset(buffer.data() + std::max(whole, held), 0, std::min(PADDING, buffer.size() - std::max(whole, held)));
    positions.find(buffer.data(), whole);
    const size_t needed = table.rows + positions.line_count;
    if (needed > capacity) {
      // From the rows seen so far: what the rest of the file will need, and a little more.
      const int64_t size = end >= 0 ? end : int64_t(lseek(file, 0, SEEK_END));
      const double of_rest = double(std::max<int64_t>(size - offset, 0)) / double(whole);
      const double guess = double(table.rows) + double(positions.line_count) * std::max(of_rest, 1.0) * 1.02 + 16;
      capacity = std::max(needed, size_t(guess));
      table.reserve(capacity);
    }
    size_t taken = 0;
    table.piece = buffer.data();
    table.piece_offset = offset;
    table.has_high_bytes = positions.high_bytes;
    const bool more = take_lines(table, positions, buffer.data(), outcome, taken);
    taken = std::min(taken, held);
    offset += int64_t(taken);
    outcome.end = offset;
    if (!more) return;
    memmove(buffer.data(), buffer.data() + taken, held - taken);
    held -= taken;
  }
}

void release_schema(ArrowSchema *schema) { schema->release = nullptr; }

struct Owner {
  Column column;
  std::vector<const void *> buffers;
};

void release_array(ArrowArray *array) {
  delete static_cast<Owner *>(array->private_data);
  array->release = nullptr;
}

}  // namespace

extern "C" {

// Counted up when a function or structure here changes; the caller compares.
int32_t cryoloom_star_abi() { return 5; }

// Read rows from `offset` to `end` (-1: the file's end), or to the first line that is none.
// `flags`: for each label 0: not wanted, 1: wanted, 2: wanted as text; set to 3 where a text came behind
// numbers, so that the column has to be read once more with 2. And 4 more: its words are kept in a run with those of
// its neighbours that have this too. Returns a handle for the calls below.
void *cryoloom_star_rows(int32_t file, int64_t offset, int64_t end, int64_t labels, uint8_t *flags, Outcome *outcome) {
  *outcome = Outcome{0, offset, 0, AT_END, 0, 0, 0};
  try {
    auto table = std::make_unique<Table>(size_t(labels), flags);
    if (!table->runs.empty() && (table->kept_file = kept_files.keep(file, end < 0)) < 0) {
      outcome->status = IRREGULAR;
      return table.release();
    }
    read_rows(*table, file, offset, end, *outcome);
    outcome->rows = int64_t(table->rows);
    for (int64_t c = 0; c < labels; ++c)
      if (table->columns[size_t(c)].spoiled) flags[c] |= 3;
    if (table->bad_runs || !table->texts_are_utf8()) outcome->status = NOT_UTF8;
    return table.release();
  } catch (const std::bad_alloc &) {
    outcome->status = NO_MEMORY;
    return nullptr;
  }
}

// Hand a column over, values and all; the receiver releases it. Runs stand behind the labels.
int32_t cryoloom_star_column(void *handle, int64_t label, ArrowSchema *schema, ArrowArray *array) {
  Table &table = *static_cast<Table *>(handle);
  try {
    auto owner = std::make_unique<Owner>();
    std::swap(owner->column, table.columns[size_t(label)]);
    Column &column = owner->column;
    if (table.rows == 0 && column.kind != Kind::Text) {
      column.kind = Kind::Text;  // without rows there is no type
    }
    if (column.capacity > 2 * table.rows + 64) column.move_to(table.rows + 1, column.values ? table.rows : 0);
    owner->buffers = {nullptr, column.values};
    if (column.kind == Kind::Text) {
      for (char *buffer : column.buffers) owner->buffers.push_back(buffer);
      owner->buffers.push_back(column.buffer_lengths.data());
    }
    *schema = ArrowSchema{};
    schema->format = column.is_bytes ? "vz" : column.kind == Kind::Text ? "vu" : column.kind == Kind::Integer ? "l" : "g";
    schema->name = "";
    schema->release = release_schema;
    *array = ArrowArray{};
    array->length = int64_t(table.rows);
    array->n_buffers = int64_t(owner->buffers.size());
    array->buffers = owner->buffers.data();
    array->release = release_array;
    array->private_data = owner.release();
    return 0;
  } catch (const std::bad_alloc &) {
    return NO_MEMORY;
  }
}

// How many files this thread keeps open for the runs of its rows; those from a number on are closed.
int64_t cryoloom_star_kept() { return int64_t(kept_files.files.size()); }
void cryoloom_star_forget(int64_t from) { kept_files.forget(size_t(from)); }

void cryoloom_star_free(void *handle) { delete static_cast<Table *>(handle); }
}
