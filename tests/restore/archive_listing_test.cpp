#include "restore/archive_listing.hpp"

#include "tests/support/catch.hpp"

namespace belay {
namespace {

TEST_CASE("objects are counted by kind in what pg_restore lists, however schemas and tables are called") {
  const ArchiveListing listing = parse_archive_listing(
      ";\n; Archive created at 2026-11-21 20:00:00 UTC\n;     dbname: app\n;     Dumped from database version: 15.20\n"
      ";     Dumped by pg_dump version: 15.21 (Debian)\n;\n"
      "215; 1259 16386 TABLE public orders app\n216; 1259 16390 TABLE DATA orders app\n"
      "3313; 0 16386 TABLE DATA public orders app\n217; 1259 16391 VIEW public open orders app\n"
      "218; 1259 16392 MATERIALIZED VIEW public totals app\n219; 1259 16393 SEQUENCE public s app\n"
      "3320; 0 0 SEQUENCE SET public s app\n3321; 0 0 SEQUENCE OWNED BY public s app\n"
      "3170; 2606 16400 CONSTRAINT public orders orders_pkey app\n3171; 2606 16401 FK CONSTRAINT public lines f app\n"
      "3172; 1259 16402 INDEX public i app\n3173; 0 0 INDEX ATTACH public i app\n"
      "600; 1247 16403 TYPE public mood app\n601; 1247 16404 DOMAIN public word app\n602; 1247 16405 SHELL TYPE public "
      "x app\n"
      "230; 1255 16406 FUNCTION public f(integer) app\n231; 1255 16407 AGGREGATE public total(integer) app\n");
  CHECK(listing.server_version == "15.20");
  CHECK(listing.pg_dump_version == "15.21 (Debian)");
  CHECK(listing.objects == std::map<std::string, std::uint64_t>{{"tables", 2},
                                                                {"foreign tables", 0},
                                                                {"views", 1},
                                                                {"materialized views", 1},
                                                                {"sequences", 1},
                                                                {"indexes", 1},
                                                                {"functions", 1},
                                                                {"procedures", 0},
                                                                {"aggregates", 1},
                                                                {"types", 1},
                                                                {"domains", 1},
                                                                {"foreign keys", 1}});
}

}  // namespace
}  // namespace belay
