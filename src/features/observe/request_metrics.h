// Rate, errors and duration by route template. Each core keeps the series of the routes that it has
// served, so that counting takes no lock; a new version of the app starts them afresh, and the
// registry gives the same series for the same labels.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "engine/observer.h"

namespace mettle::observe {

class RequestMetrics final : public engine::RequestObserver {
 public:
  RequestMetrics(Metrics& registry, size_t cores);
  void on_finished(const engine::Finished& finished) override;
  void on_refused(const Error& error) override;

 private:
  struct Series {
    Histogram* duration = nullptr;
    std::map<int, Counter*> by_status;
  };
  struct PerCore {
    uint64_t serial = 0;  // of the snapshot that `routes` belongs to
    std::vector<std::unique_ptr<Series>> routes;
    Series nowhere;  // no address of ours
    std::map<std::string, Counter*, std::less<>> errors;
  };
  Series& series(PerCore& core, const engine::Finished& finished);
  void count_error(PerCore& core, std::string_view code);

  Metrics& registry_;
  Counter& bytes_in_;
  Counter& bytes_out_;
  Counter& rows_;
  std::vector<PerCore> cores_;
};

}  // namespace mettle::observe
