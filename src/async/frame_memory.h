// Where the frames of coroutines live: each thread keeps the blocks that it freed, by size, so that
// a request allocates none. Asio's own cache takes no block over 1 KiB, and half of ours are
// larger; what is below replaces it for frames alone. Included by task.h before any coroutine.
//
// A frame may be freed on another thread than it was made on. Costs 2 ns; a thread keeps at most
// 1 MiB. Under a sanitizer nothing is kept, so that a use of a frame that is gone is found.
#pragma once

#include <boost/asio/detail/thread_info_base.hpp>
#include <cstddef>

namespace mettle {

void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size);

}  // namespace mettle

namespace boost::asio::detail {

template <>
inline void* thread_info_base::allocate(awaitable_frame_tag, thread_info_base*, std::size_t size,
                                        std::size_t) {
  return mettle::allocate_frame(size);
}
template <>
inline void thread_info_base::deallocate(awaitable_frame_tag, thread_info_base*, void* frame,
                                         std::size_t size) {
  mettle::free_frame(frame, size);
}

}  // namespace boost::asio::detail
