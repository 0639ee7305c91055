// The docs page's drawing of the tables: boxes in columns, a table right of those it refers to,
// curves for references.
#include "features/openapi/openapi.h"

namespace mettle::openapi {

namespace {

constexpr int kRow = 20, kHead = 28, kBoxWidth = 220, kGapX = 90, kGapY = 28, kMargin = 20;

struct Box {
  int x = 0, y = 0, height = 0;
};

class Drawing {
 public:
  explicit Drawing(const model::AppModel& app) : app_(app) {}
  std::string draw();

 private:
  void place();
  int rank(int table, std::vector<int>& path);
  std::string box(size_t table) const;
  std::string curve(size_t table, size_t column, int row) const;

  const model::AppModel& app_;
  std::vector<int> ranks_;
  std::vector<Box> boxes_;
  int width_ = 0, height_ = 0;
};

int shown_columns(const model::Table& table) {
  int count = 0;
  for (const model::Column& column : table.columns) count += column.hidden ? 0 : 1;
  return count;
}

// One more than the highest rank among the tables it refers to; a cycle is cut where it closes.
int Drawing::rank(int table, std::vector<int>& path) {
  int& known = ranks_[static_cast<size_t>(table)];
  if (known >= 0) return known;
  path.push_back(table);
  int made = 0;
  for (const model::Column& column : app_.tables[static_cast<size_t>(table)].columns) {
    const int target = column.shape.references;
    if (column.shape.type != model::Type::kReference) continue;
    if (std::find(path.begin(), path.end(), target) != path.end()) continue;
    made = std::max(made, rank(target, path) + 1);
  }
  path.pop_back();
  return ranks_[static_cast<size_t>(table)] = made;
}

void Drawing::place() {
  ranks_.assign(app_.tables.size(), -1);
  boxes_.resize(app_.tables.size());
  std::vector<int> next_y;
  for (size_t i = 0; i < app_.tables.size(); ++i) {
    std::vector<int> path;
    const auto column = static_cast<size_t>(rank(static_cast<int>(i), path));
    if (next_y.size() <= column) next_y.resize(column + 1, kMargin);
    Box& box = boxes_[i];
    box.height = kHead + kRow * shown_columns(app_.tables[i]) + 6;
    box.x = kMargin + static_cast<int>(column) * (kBoxWidth + kGapX);
    box.y = next_y[column];
    next_y[column] += box.height + kGapY;
    width_ = std::max(width_, box.x + kBoxWidth + kMargin);
    height_ = std::max(height_, box.y + box.height + kMargin);
  }
}

std::string Drawing::box(size_t index) const {
  const model::Table& table = app_.tables[index];
  const Box& at = boxes_[index];
  std::string out = fmt::format(
      "<g><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\" class=\"box\"/>"
      "<text x=\"{}\" y=\"{}\" class=\"name\">{}</text>",
      at.x, at.y, kBoxWidth, at.height, at.x + 10, at.y + 19, table.name);
  int y = at.y + kHead + 14;
  for (const model::Column& column : table.columns) {
    if (column.hidden) continue;
    out += fmt::format(
        "<text x=\"{}\" y=\"{}\" class=\"column\">{}</text>"
        "<text x=\"{}\" y=\"{}\" class=\"type\">{}{}</text>",
        at.x + 10, y, column.name, at.x + kBoxWidth - 10, y, model::type_name(column.shape.type),
        column.shape.optional ? "?" : "");
    y += kRow;
  }
  return out + "</g>";
}

std::string Drawing::curve(size_t table, size_t column, int row) const {
  const Box& from = boxes_[table];
  const model::Column& reference = app_.tables[table].columns[column];
  const Box& to = boxes_[static_cast<size_t>(reference.shape.references)];
  const int y1 = from.y + kHead + row * kRow + 9;
  const int y2 = to.y + kHead + 9;
  const bool leftwards = to.x + kBoxWidth <= from.x;
  const int x1 = leftwards ? from.x : from.x + kBoxWidth;
  const int x2 = to.x + kBoxWidth;
  const int bend = leftwards ? kGapX / 2 : kGapX;
  return fmt::format(
      "<path class=\"reference{}\" d=\"M{} {} C{} {} {} {} {} {}\" marker-end=\"url(#arrow)\"/>",
      reference.shape.optional ? " optional" : "", x1, y1, leftwards ? x1 - bend : x1 + bend, y1,
      x2 + bend, y2, x2 + 4, y2);
}

std::string Drawing::draw() {
  place();
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" "
      "role=\"img\" "
      "aria-label=\"The tables of {} and their references\"><defs><marker id=\"arrow\" viewBox=\"0 "
      "0 8 8\" refX=\"7\" "
      "refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" "
      "class=\"head\"/>"
      "</marker></defs>",
      width_, height_, width_, height_, app_.app);
  for (size_t t = 0; t < app_.tables.size(); ++t) {
    int row = 0;
    for (size_t c = 0; c < app_.tables[t].columns.size(); ++c) {
      const model::Column& column = app_.tables[t].columns[c];
      if (column.hidden) continue;
      if (column.shape.type == model::Type::kReference) out += curve(t, c, row);
      ++row;
    }
  }
  for (size_t t = 0; t < app_.tables.size(); ++t) out += box(t);
  return out + "</svg>";
}

}  // namespace

std::string svg_diagram(const model::AppModel& app) {
  return Drawing(app).draw();
}

}  // namespace mettle::openapi
