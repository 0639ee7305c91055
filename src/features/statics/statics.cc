#include "features/statics/statics.h"

#include "async/blocking.h"
#include "base/datetime.h"
#include "engine/snapshot.h"
#include "features/statics/file.h"
#include "features/statics/range.h"
#include "records/etag.h"

namespace mettle::statics {

namespace {

// Up to here a file is read at once; above, in pieces of this size as the client takes them.
constexpr size_t kPieceBytes = 256 * 1024;
constexpr unsigned kThreads = 2;
constexpr size_t kQueue = 256;

class FileStream final : public net::BodyStream {
 public:
  FileStream(std::shared_ptr<const File> file, uint64_t first, uint64_t count,
             std::shared_ptr<BlockingPool> pool)
      : file_(std::move(file)), at_(first), left_(count), pool_(std::move(pool)) {}

  Task<Result<bool>> next(Context& ctx, std::string& out) override {
    if (left_ == 0) co_return false;
    const size_t count = static_cast<size_t>(std::min<uint64_t>(left_, kPieceBytes));
    const auto read = [&]() -> Result<> { return file_->read(at_, count, out); };
    CO_TRY_VOID(co_await blocking(ctx, *pool_, read));
    at_ += count;
    left_ -= count;
    co_return true;
  }

 private:
  const std::shared_ptr<const File> file_;
  uint64_t at_;
  uint64_t left_;
  const std::shared_ptr<BlockingPool> pool_;
};

// Whether the client has the file as it is (RFC 9110 section 13.2.2: If-None-Match before
// If-Modified-Since).
bool is_fresh(const engine::Call& call, const File& file) {
  if (const auto tags = call.request.header("If-None-Match")) {
    return records::etag_matches(*tags, file.etag(), true);
  }
  const auto since = call.request.header("If-Modified-Since");
  if (!since) return false;
  const auto date = parse_http_date(*since, call.ctx.seams().clock->now());
  return date && file.modified() <= *date;
}

// If-Range (section 13.1.5): the part only of the very same file.
bool wants_part(const engine::Call& call, const File& file) {
  const auto condition = call.request.header("If-Range");
  if (!condition) return true;
  if (condition->starts_with('"')) return *condition == file.etag();
  const auto date = parse_http_date(*condition, call.ctx.seams().clock->now());
  return date && file.modified() == *date;
}

class StaticEndpoint final : public engine::Endpoint {
 public:
  StaticEndpoint(std::string folder, std::string prefix, std::shared_ptr<BlockingPool> pool)
      : folder_(std::move(folder)), prefix_(std::move(prefix)), pool_(std::move(pool)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    const std::string path = call.path.empty() ? std::string() : call.path.back();
    const auto open = [&]() -> Result<std::shared_ptr<const File>> {
      return File::open(folder_, path);
    };
    CO_TRY(const std::shared_ptr<const File> file, co_await blocking(call.ctx, *pool_, open));
    net::Response response;
    if (file->is_folder()) {  // relative links on its page need the slash
      response.status = 308;
      response.add("Location", std::string(call.request.path) + "/");
      co_return response;
    }
    response.add("ETag", file->etag());
    response.add("Last-Modified", format_http_date(file->modified()));
    response.add("Accept-Ranges", "bytes");
    response.add("Cache-Control",
                 "no-cache");  // kept, but asked about each time: the ETag makes that cheap
    if (is_fresh(call, *file)) {
      response.status = 304;
      co_return response;
    }
    Range range{Range::Kind::kWhole, 0, file->size()};
    const auto asked = call.request.header("Range");
    if (asked && call.request.method == net::Method::kGet && wants_part(call, *file)) {
      range = parse_range(*asked, file->size());
    }
    if (range.kind == Range::Kind::kUnsatisfiable) {
      response.status = 416;
      response.add("Content-Range", fmt::format("bytes */{}", file->size()));
      co_return response;
    }
    if (range.kind == Range::Kind::kPart) {
      response.status = 206;
      response.add("Content-Range", fmt::format("bytes {}-{}/{}", range.first,
                                                range.first + range.count - 1, file->size()));
    }
    response.content_type = file->content_type();
    if (range.count > kPieceBytes) {
      response.stream_bytes = range.count;
      response.stream = std::make_unique<FileStream>(file, range.first, range.count, pool_);
      co_return response;
    }
    const auto read = [&]() -> Result<> {
      return file->read(range.first, static_cast<size_t>(range.count), response.body);
    };
    CO_TRY_VOID(co_await blocking(call.ctx, *pool_, read));
    co_return response;
  }

 private:
  const std::string folder_;
  const std::string prefix_;
  const std::shared_ptr<BlockingPool> pool_;
};

class StaticsFeature final : public engine::Feature {
 public:
  std::string_view name() const override { return "statics"; }

  void build(engine::SnapshotBuilder& builder) override {
    if (builder.model().statics.empty()) return;
    if (!pool_) pool_ = std::make_shared<BlockingPool>(kThreads, kQueue);
    for (const model::StaticMount& mount : builder.model().statics) {
      std::string prefix = mount.prefix;
      while (prefix.ends_with('/')) prefix.pop_back();
      const auto endpoint = std::make_shared<StaticEndpoint>(mount.folder, prefix, pool_);
      for (const std::string& path : {prefix + "/", prefix + "/{path...}"}) {
        engine::Route route(net::Method::kGet, path, engine::Policy::kPublic, endpoint);
        route.operation.hidden = true;
        builder.add(std::move(route));
      }
    }
  }

 private:
  std::shared_ptr<BlockingPool> pool_;
};

}  // namespace

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<StaticsFeature>();
}

}  // namespace mettle::statics
