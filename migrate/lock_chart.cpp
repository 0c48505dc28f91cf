#include "migrate/lock_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "migrate/html.hpp"
#include "migrate/report_fields.hpp"

namespace belay {

namespace {

// In units of the picture, which is scaled to the page.
constexpr double width = 1080, label_width = 360, margin = 78, row_height = 40, top = 46;
constexpr double plot = width - label_width - margin;
constexpr std::size_t most_rows = 24;

/// What a statement took: as rehearsed, else as deployed, whichever its locks were seen in.
double statement_ms(const Json& statement) {
  const std::optional<double> actual = number_in(statement, "actual_ms");
  return std::max(0.0, actual ? *actual : number_in(statement, "rehearsed_ms").value_or(0));
}

LockRow& row_of(std::vector<LockRow>& rows, const std::string& table, const std::string& mode) {
  for (LockRow& row : rows) {
    if (row.table == table && row.mode == mode) return row;
  }
  return rows.emplace_back(LockRow{table, mode, {}});
}

/// Returns when the migration's last statement, or its last lock, ended.
double add_migration(LockTimeline& timeline, const Json& migration, double from) {
  double now = from, end = from;
  for (const Json& statement : list_in(migration, "statements")) {
    for (const Json& lock : list_in(statement, "locks")) {
      const double held = std::max(0.0, number_in(lock, "held_ms").value_or(0));
      row_of(timeline.rows, text_in(lock, "table"), text_in(lock, "mode")).bars.push_back({now, now + held});
      end = std::max(end, now + held);
    }
    now += statement_ms(statement);
  }
  return std::max(now, end);
}

/// The middle of a long name is what it can do without.
std::string shortened(const std::string& text, std::size_t most) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U) starts.push_back(i);
  }
  if (starts.size() <= most) return text;
  const std::size_t half = (most - 1) / 2;
  return text.substr(0, starts[half]) + "…" + text.substr(starts[starts.size() - half]);
}

/// A step of 1, 2 or 5 times a power of ten that parts the time into at most six.
double tick_of(double total) {
  const double power = std::pow(10, std::floor(std::log10(std::max(total, 0.001) / 6)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (total / (factor * power) <= 6) return factor * power;
  }
  return power * 10;
}

std::string tick_words(double ms, double tick) {
  if (ms == 0) return "0";
  if (tick < 1) return fmt::format("{:.3g} ms", ms);
  if (tick < 1000) return ms < 1000 ? fmt::format("{:.0f} ms", ms) : fmt::format("{:.4g} s", ms / 1000);
  return tick < 60000 ? fmt::format("{:.0f} s", ms / 1000) : fmt::format("{:.3g} min", ms / 60000);
}

class Picture {
 public:
  explicit Picture(const LockTimeline& timeline)
      : timeline_(timeline),
        shown_(std::min(timeline.rows.size(), most_rows)),
        bottom_(top + row_height * static_cast<double>(shown_)) {}

  std::string draw() {
    spans();
    axis();
    for (std::size_t i = 0; i < shown_; ++i) row(timeline_.rows[i], top + row_height * static_cast<double>(i));
    return fmt::format(
        "<svg class=\"locks\" viewBox=\"0 0 {} {:.0f}\" role=\"img\" aria-label=\"Locks over time\" "
        "xmlns=\"http://www.w3.org/2000/svg\">\n"
        "<defs><pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" fill=\"#f3c77f\"/><rect width=\"3\" "
        "height=\"7\" fill=\"#b86e00\"/></pattern></defs>\n{}</svg>\n",
        width, bottom_ + 28, svg_);
  }

 private:
  [[nodiscard]] double x(double ms) const { return label_width + plot * ms / std::max(timeline_.total_ms, 0.001); }

  void text(double at_x, double at_y, std::string_view css_class, const std::string& words) {
    svg_ +=
        fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", at_x, at_y, css_class, escaped(words));
  }

  /// Each migration's stretch of time, with as much of its name as it has room for.
  void spans() {
    bool dark = false;
    for (const LockSpan& span : timeline_.spans) {
      const double from = x(span.from_ms), wide = x(span.to_ms) - from;
      svg_ += fmt::format(
          "<g><title>{}</title><rect x=\"{:.1f}\" y=\"22\" width=\"{:.1f}\" height=\"{:.1f}\" "
          "class=\"{}\"/><line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"22\" y2=\"{:.1f}\" class=\"edge\"/></g>\n",
          escaped(span.migration), from, std::max(wide, 0.5), bottom_ - 22, dark ? "span dark" : "span", from, from,
          bottom_);
      const auto room = static_cast<std::size_t>(std::max(0.0, (wide - 8) / 6.6));
      if (room >= 5) text(from + 4, 37, "name", shortened(span.migration, room));
      dark = !dark;
    }
  }

  void axis() {
    const double tick = tick_of(timeline_.total_ms);
    for (int i = 0; tick * i <= timeline_.total_ms * 1.001; ++i) {
      const double at = x(tick * i);
      svg_ += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" class=\"tick\"/>\n", at,
                          top, bottom_ + 6);
      text(at, bottom_ + 21, "scale", tick_words(tick * i, tick));
    }
  }

  void row(const LockRow& row, double y) {
    static constexpr const char* css[] = {"everybody", "writers", "changes"};
    const LockBlocks who = blocks(row.mode);
    svg_ += fmt::format("<line x1=\"0\" x2=\"{0}\" y1=\"{1:.1f}\" y2=\"{1:.1f}\" class=\"row\"/>\n", width, y);
    svg_ += fmt::format("<g><title>{}</title>", escaped(row.table));
    text(0, y + 17, "table", shortened(row.table, 44));
    svg_ += "</g>\n";
    text(0, y + 32, "mode", row.mode + ": " + to_words(who));
    double end = label_width;
    for (const LockBar& bar : row.bars) {
      const double from = std::min(x(bar.from_ms), label_width + plot - 3);
      const double wide = std::max(x(bar.to_ms) - from, 3.0);
      svg_ += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"18\" rx=\"2\" class=\"{}\"><title>{} on {}, held "
          "{}</title></rect>\n",
          from, y + 11, wide, css[static_cast<int>(who)], escaped(row.mode), escaped(row.table),
          ms_words(bar.to_ms - bar.from_ms));
      end = std::max(end, from + wide);
    }
    text(end + 6, y + 25, "held", ms_words(row.longest_ms()));
  }

  const LockTimeline& timeline_;
  std::size_t shown_;
  double bottom_;
  std::string svg_;
};

}  // namespace

double LockRow::longest_ms() const {
  double longest = 0;
  for (const LockBar& bar : bars) longest = std::max(longest, bar.to_ms - bar.from_ms);
  return longest;
}

LockTimeline lock_timeline(const Json& report) {
  LockTimeline timeline;
  for (const Json& migration : list_in(report, "migrations")) {
    const double from = timeline.total_ms;
    timeline.total_ms = add_migration(timeline, migration, from);
    timeline.spans.push_back({text_in(migration, "name"), from, timeline.total_ms});
  }
  std::stable_sort(timeline.rows.begin(), timeline.rows.end(), [](const LockRow& a, const LockRow& b) {
    if (blocks(a.mode) != blocks(b.mode)) return blocks(a.mode) < blocks(b.mode);
    return a.longest_ms() > b.longest_ms();
  });
  return timeline;
}

std::string lock_chart(const LockTimeline& timeline) {
  if (timeline.rows.empty()) return {};
  std::string chart = Picture{timeline}.draw();
  if (timeline.rows.size() > most_rows)
    chart +=
        element("p", "quiet", fmt::format("{} more are in the statements above.", timeline.rows.size() - most_rows));
  return chart;
}

}  // namespace belay
