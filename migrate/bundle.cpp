#include "migrate/bundle.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <sys/utsname.h>

#include "common/files.hpp"
#include "common/pending_file.hpp"
#include "migrate/report_fields.hpp"
#include "migrate/report_html.hpp"
#include "migrate/tar_writer.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr Bytes largest_file = Bytes{64} << 20U;

std::string system_name() {
  utsname name{};
  if (::uname(&name) != 0) return {};
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

std::string versions_of(const PastRun& run) {
  const Json report = run.report.value_or(Json::object());
  const Json versions{{"run", run.run},
                      {"belay_of_the_run", text_in(report, "version")},
                      {"belay_of_this_bundle", BELAY_VERSION},
                      {"server", text_in(object_in(report, "target"), "server_version")},
                      {"libpq", PQlibVersion()},
                      {"system", system_name()},
                      {"backup", text_in(object_in(report, "backup"), "archive")}};
  return versions.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<TarMember> members_of(const PastRun& run) {
  std::vector<TarMember> members;
  for (const char* name : {"report.json", "journal.ndjson"}) {
    if (is_there(run.folder / name)) members.push_back({name, read_small_file(run.folder / name, largest_file)});
  }
  if (run.report) members.push_back({"report.html", report_html(*run.report)});
  members.push_back({"versions.json", versions_of(run)});
  return members;
}

}  // namespace

Result write_bundle(const PastRun& run, const fs::path& file, Tool& tool) {
  const fs::path path = fs::absolute(file).lexically_normal();
  const std::vector<TarMember> members = members_of(run);
  const std::string tar = tar_of(run.run, members, tool.clock.now());
  PendingFile pending{tool.files, path, PendingFile::Existing::refuse};
  pending.write(as_bytes(tar));
  pending.commit();
  Json names = Json::array();
  std::string list;
  for (const TarMember& member : members) {
    names.push_back(member.name);
    list += (list.empty() ? "" : ", ") + member.name;
  }
  return {fmt::format("Packed {} of run {} into {}\n", list, run.run, path.string()),
          {{"bundle", path.string()}, {"run", run.run}, {"members", names}}};
}

}  // namespace belay
