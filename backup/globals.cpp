#include "backup/globals.hpp"

#include <fmt/format.h>

#include "backup/dump_warnings.hpp"
#include "common/error.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace {

Command globals_command(const BackupPlan& plan, const Tool& tool) {
  // Whichever database --dbname names, pg_dumpall connects to the one of --database.
  Command command{.program = plan.pg_dumpall->path,
                  .args = {"--globals-only", "--no-password", "--database=" + plan.maintenance,
                           "--dbname=" + child_conninfo(plan.url, plan.maintenance)},
                  .env = child_connection_environment(plan.url, tool.session(), plan.server.version),
                  .limit = {}};
  command.env.emplace_back("LC_ALL", "C");
  if (!reads_passwords(plan.server)) command.args.emplace_back("--no-role-passwords");
  return command;
}

}  // namespace

bool reads_passwords(const ServerFacts& server) { return server.superuser; }

std::unique_ptr<GlobalsFile> write_globals(const BackupPlan& plan, std::vector<std::string>& warnings, Tool& tool) {
  const std::string name = plan.file_name + ".globals.sql";
  auto globals = std::make_unique<GlobalsFile>(tool.files, plan.wishes.folder / name);
  Sha256 digest;
  std::string last;  // enough of the end to see whether it is the end
  const Exit end = tool.processes.run(globals_command(plan, tool), {}, [&](ByteSpan bytes) {
    globals->file.write(bytes);
    digest.update(bytes);
    last.append(as_text(bytes));
    if (last.size() > 4096) last.erase(0, last.size() - 2048);
  });
  const bool whole = last.find("-- PostgreSQL database cluster dump complete") != std::string::npos;
  if (!end.ok() || !whole) {
    throw Error{Failure::failed, "could not write the server's roles and tablespaces beside the backup",
                fmt::format("pg_dumpall ended with {}.\n{}", end.how(), end.err),
                "No backup was made. Without --with-globals it is made without them."};
  }
  globals->file.finish();
  globals->facts = {name, globals->file.size(), digest.hex()};
  const DumpRemarks remarks = classify_dump_stderr(end.err, end.err_cut ? StderrEnd::cut : StderrEnd::whole);
  for (const std::string& remark : remarks.unknown) {
    tool.out.warn("pg_dumpall says: " + remark);
    warnings.push_back(remark);
  }
  return globals;
}

}  // namespace belay
