// Task<T>: a coroutine that runs on the event loop of one core. The only Asio header that other
// headers see.
//
// House rules (STYLE.md): no capturing lambda coroutines; parameters by value unless the caller
// awaits at once; spawn only through Scope (async/scope.h); name temporaries built with braces
// before a co_await.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "async/frame_memory.h"
#include "base/result.h"

namespace mettle {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace mettle
