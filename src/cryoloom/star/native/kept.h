// Rows that travel as they are written: a row of a run is a reference to a piece of a line of its file, which is
// kept open and read again when the row is written. So nothing of it lies in memory, however long a row waits.
#pragma once
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

struct KeptFile {
  int file;
  struct stat state;  // when it was first kept
  bool is_whole;      // it must not change; other files may grow
};

// Of this thread: a job reads and writes in one.
struct KeptFiles {
  std::vector<KeptFile> files;

  ~KeptFiles() { forget(0); }

  // The number of the file in references; -1 where no more can be kept open.
  int keep(int file, bool is_whole) {
    struct stat state;
    if (fstat(file, &state)) return -1;
    for (size_t i = 0; i < files.size(); ++i) {
      const struct stat &known = files[i].state;
      const bool is_same = known.st_dev == state.st_dev && known.st_ino == state.st_ino;
      if (is_same && files[i].is_whole == is_whole && (!is_whole || is_unchanged(known, state))) return int(i);
    }
    if (files.size() > UINT16_MAX) return -1;
    const int own = dup(file);
    if (own < 0) return -1;
    files.push_back({own, state, is_whole});
    return int(files.size()) - 1;
  }

  void forget(size_t from) {
    for (; files.size() > from; files.pop_back()) close(files.back().file);
  }

  static bool is_unchanged(const struct stat &a, const struct stat &b) {
    return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
  }

  bool changed(size_t number) const {
    struct stat now;
    const KeptFile &kept = files[number];
    return kept.is_whole && (fstat(kept.file, &now) || !is_unchanged(kept.state, now));
  }
};

inline thread_local KeptFiles kept_files;

// Twelve bytes, which a view holds inside itself; the first is 0, with which no text begins.
struct Reference {
  static constexpr size_t SIZE = 12;
  static constexpr uint32_t LONGEST = (1u << 24) - 1;
  uint16_t file;
  uint32_t length;
  int64_t offset;

  void to(char *bytes) const {
    bytes[0] = 0;
    memcpy(bytes + 1, &file, 2);
    memcpy(bytes + 3, &length, 3);
    memcpy(bytes + 6, &offset, 6);
  }

  static bool is_one(const char *bytes, size_t length) { return length == SIZE && bytes[0] == 0; }

  static Reference from(const char *bytes) {
    Reference found{0, 0, 0};
    memcpy(&found.file, bytes + 1, 2);
    memcpy(&found.length, bytes + 3, 3);
    memcpy(&found.offset, bytes + 6, 6);
    return found;
  }
};

// Reads what references mean: ahead where they follow one another, else piece by piece.
class Lines {
 public:
  // Null where the file has changed, or (with `error` set) cannot be read. Valid until the next call.
  const char *text(const Reference &wanted, int &error) {
    if (wanted.file >= kept_files.files.size()) return nullptr;
    const bool is_near = wanted.file == file && wanted.offset >= last_end && wanted.offset - last_end < NEAR;
    const bool is_held = wanted.file == file && wanted.offset >= begin && wanted.offset + wanted.length <= begin + held;
    last_end = wanted.offset + wanted.length;
    if (!is_held) {
      file = wanted.file;
      begin = wanted.offset;
      held = 0;
      const size_t most = is_near ? AHEAD : 0;
      if (bytes.size() < std::max<size_t>(wanted.length, most)) bytes.resize(std::max<size_t>(wanted.length, AHEAD));
      while (held < wanted.length) {
        const size_t room = std::max<size_t>(wanted.length, most) - size_t(held);
        const ssize_t count = pread(kept_files.files[size_t(file)].file, bytes.data() + held, room, off_t(begin + held));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) error = errno;
        if (count <= 0) return nullptr;
        held += count;
      }
    }
    if (size_t(file) >= used.size()) used.resize(size_t(file) + 1);
    used[size_t(file)] = true;
    return bytes.data() + (wanted.offset - begin);
  }

  // Whether a file that was read from is no longer what it was when its rows were found.
  bool changed() const {
    for (size_t i = 0; i < used.size(); ++i)
      if (used[i] && kept_files.changed(i)) return true;
    return false;
  }

 private:
  static constexpr int64_t NEAR = 16 * 1024;
  static constexpr size_t AHEAD = 256 * 1024;
  std::vector<char> bytes;
  std::vector<bool> used;
  int file = -1;
  int64_t begin = 0, held = 0, last_end = 0;
};
