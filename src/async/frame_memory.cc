#include "async/frame_memory.h"

#include <array>
#include <new>

namespace mettle {
namespace {

constexpr std::size_t kStep = 128;
constexpr std::size_t kClasses = 64;  // up to 8 KiB
constexpr std::size_t kThreadBytesMax = std::size_t{1} << 20;

struct Free {
  Free* next;
};

// Of one thread; gone before other thread_locals may be, so its end is marked.
struct Kept {
  ~Kept() {
    for (Free* block : lists) {
      while (block != nullptr) {
        Free* const next = block->next;
        ::operator delete(block);
        block = next;
      }
    }
    ended = true;
  }
  std::array<Free*, kClasses> lists{};
  std::size_t bytes = 0;
  static thread_local bool ended;
};
thread_local bool Kept::ended = false;
thread_local Kept kept;

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kKeeps = false;
#else
constexpr bool kKeeps = true;
#endif

constexpr std::size_t class_of(std::size_t size) {
  return (size - 1) / kStep;
}

}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t index = class_of(size);
  if (!kKeeps || index >= kClasses || Kept::ended) return ::operator new(size);
  Free*& list = kept.lists[index];
  const std::size_t block_bytes = (index + 1) * kStep;
  if (list == nullptr) return ::operator new(block_bytes);
  kept.bytes -= block_bytes;
  return std::exchange(list, list->next);
}

void free_frame(void* frame, std::size_t size) {
  const std::size_t index = class_of(size);
  const std::size_t block_bytes = (index + 1) * kStep;
  if (!kKeeps || index >= kClasses || Kept::ended || kept.bytes + block_bytes > kThreadBytesMax) {
    ::operator delete(frame);
    return;
  }
  kept.bytes += block_bytes;
  kept.lists[index] = new (frame) Free{kept.lists[index]};
}

}  // namespace mettle
