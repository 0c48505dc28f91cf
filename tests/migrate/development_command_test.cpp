#include "migrate/development_command.hpp"

#include <map>

#include "tests/support/catch.hpp"

namespace belay {
namespace {

using Catch::Contains;

const std::map<std::string, std::string> package_files{
    {"/app/package.json", R"({"scripts": {
      "deploy": "prisma migrate deploy", "db:dev": "prisma migrate dev --name x", "release": "npm run build && npm run db:dev",
      "build": "tsc", "prisma": "dotenv -e .env -- prisma", "check": "echo ok", "precheck": "prisma db push", "loop": "npm run loop",
      "wrapped": "sh -c 'npx prisma migrate reset --force'", "start": "yarn db:dev", "odd": 3}})"},
    {"/app/deploy.sh", "#!/usr/bin/env bash\nset -e\n# never prisma migrate dev here\nnpx prisma migrate deploy\n"},
    {"/app/bad.sh", "#!/bin/sh\nif true; then\n  npx prisma \\\n    db push\nfi\n"},
    {"/app/tool.js", "#!/usr/bin/env node\nprisma.migrate('prisma migrate dev')\n"}};

std::string verdict(const std::string& command, const std::string& folder = "/app/packages/db") {
  const FileText read = [](const std::filesystem::path& path) -> std::optional<std::string> {
    const auto found = package_files.find(path.lexically_normal().string());
    return found == package_files.end() ? std::nullopt : std::optional{found->second};
  };
  return development_command(command, folder, read).value_or("good");
}

TEST_CASE("commands that only deploy are let through") {
  for (const char* command : {"npx prisma migrate deploy",
                              "prisma migrate deploy --schema dev",
                              "pnpm exec prisma migrate deploy && node seed.js",
                              "npm run deploy",
                              "yarn deploy",
                              "echo 'never prisma migrate reset'",
                              "prisma db seed",
                              "prisma migrate status",
                              "npm run loop",
                              "npm run missing",
                              "npm run odd",
                              "npm db:dev",
                              "true # prisma migrate dev",
                              "./migrate dev",
                              "prisma generate; migrate dev",
                              "",
                              "   ",
                              "'",
                              "$(",
                              "prisma"}) {
    INFO(command);
    CHECK(verdict(command) == "good");
  }
  CHECK(verdict("./deploy.sh", "/app") == "good");
  CHECK(verdict("sh deploy.sh", "/app") == "good");
  CHECK(verdict("./tool.js", "/app") == "good");
}

TEST_CASE("Prisma's commands for development are recognised however they are called") {
  struct Case {
    std::string command, why;
  };
  for (const Case& c : {
           Case{"npx prisma migrate dev", "migrate dev"},
           Case{"npx --yes prisma@6.1.0 migrate dev --skip-seed", "migrate dev"},
           Case{"node_modules/.bin/prisma migrate reset --force", "migrate reset"},
           Case{"node node_modules/prisma/build/index.js db push", "db push"},
           Case{"prisma --schema x.prisma db push --accept-data-loss", "db push"},
           Case{"prisma migrate --schema=a dev", "migrate dev"},
           Case{"prisma migrate deploy && prisma db push", "db push"},
           Case{"prisma generate\nprisma db push", "db push"},
           Case{"A=1 env B=2 timeout 60 npx prisma 'migrate' \"reset\"", "migrate reset"},
           Case{"sh -c \"npx prisma migrate reset\"", "migrate reset"},
           Case{"bash -lc 'cd x && (prisma db push)'", "db push"},
           Case{"echo $(prisma migrate reset)", "migrate reset"},
           Case{"x=`prisma migrate dev`", "migrate dev"},
           Case{"echo \"got $(prisma db push)\"", "db push"},
           Case{"npm run db:dev", "script \"db:dev\" of package.json: `prisma migrate dev`"},
           Case{"pnpm db:dev", "migrate dev"},
           Case{"yarn run db:dev", "migrate dev"},
           Case{"yarn --silent db:dev", "migrate dev"},
           Case{"npm start", "migrate dev"},
           Case{"npm run release", "script \"release\" of package.json: script \"db:dev\""},
           Case{"npm run prisma -- migrate reset", "migrate reset"},
           Case{"pnpm prisma db push", "db push"},
           Case{"npm run check", "script \"precheck\""},
           Case{"npm run wrapped", "migrate reset"},
       }) {
    INFO(c.command);
    CHECK_THAT(verdict(c.command), Contains(c.why) && Contains("is a command for development"));
  }
  CHECK_THAT(verdict("./bad.sh", "/app"), Contains("file ./bad.sh: `prisma db push`"));
  CHECK_THAT(verdict("set -e; bash bad.sh", "/app"), Contains("db push"));
}

}  // namespace
}  // namespace belay
