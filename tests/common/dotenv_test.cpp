#include "common/dotenv.hpp"

#include "common/error.hpp"
#include "tests/support/catch.hpp"

using belay::dotenv_value;
using belay::parse_dotenv;

namespace {

using Values = std::map<std::string, std::string>;

std::optional<std::string> some_environment(const std::string& name) {
  if (name == "FROM_ENV") return "outside";
  if (name == "BOTH") return "from the environment";
  return std::nullopt;
}

}  // namespace

TEST_CASE("a .env text gives the values that Prisma reads from it") {
  struct Case {
    std::string text;
    Values values;
  };
  const Case row = GENERATE(
      Case{"", {}}, Case{"A=1", {{"A", "1"}}}, Case{"A=1\nB=2\n", {{"A", "1"}, {"B", "2"}}},
      Case{"A=1\r\nB=2\r\n", {{"A", "1"}, {"B", "2"}}}, Case{"A=1\rB=2", {{"A", "1"}, {"B", "2"}}},
      Case{"\xEF\xBB\xBF"
           "A=1",
           {{"A", "1"}}},
      Case{"  A = 1  ", {{"A", "1"}}}, Case{"export A=1", {{"A", "1"}}}, Case{"  export   A = 1", {{"A", "1"}}},
      Case{"exported=1", {{"exported", "1"}}}, Case{"A: 1", {{"A", "1"}}}, Case{"A:1", {}},
      Case{"A.b-c=1", {{"A.b-c", "1"}}}, Case{"# A=1\nB=2", {{"B", "2"}}}, Case{"no assignment\nA=1", {{"A", "1"}}},
      Case{"A B=1", {}}, Case{"A=", {{"A", ""}}}, Case{"A=\nB=2", {{"A", ""}, {"B", "2"}}},
      Case{"A=1\nA=2", {{"A", "2"}}}, Case{"A=b c d", {{"A", "b c d"}}}, Case{"A=x=y", {{"A", "x=y"}}},
      Case{"A=p#q", {{"A", "p"}}}, Case{"A=p # q", {{"A", "p"}}}, Case{"A=#", {{"A", ""}}},
      Case{"A='p#q'", {{"A", "p#q"}}}, Case{"A=\"p#q\" # said", {{"A", "p#q"}}}, Case{"A=`p'\"q`", {{"A", "p'\"q"}}},
      Case{"A=' x '", {{"A", " x "}}}, Case{"A=\"x\\ny\\rz\"", {{"A", "x\ny\rz"}}}, Case{"A='x\\ny'", {{"A", "x\\ny"}}},
      Case{"A=x\\ny", {{"A", "x\\ny"}}}, Case{"A=\"x\ny\"\nB=2", {{"A", "x\ny"}, {"B", "2"}}},
      Case{"A='x\ny'", {{"A", "x\ny"}}}, Case{"A=\"x\\\"y\"", {{"A", "x\\\"y"}}}, Case{"A=\"x", {{"A", "\"x"}}},
      Case{"A=\"x\nB=2", {{"A", "\"x"}, {"B", "2"}}}, Case{"A=\"x\" y", {{"A", "\"x\" y"}}},
      Case{"A=\"x\"y\"", {{"A", "x\"y"}}}, Case{"A=''", {{"A", ""}}}, Case{"A=it's", {{"A", "it's"}}},
      Case{"\n\n  # c\n\nA=1\n\n", {{"A", "1"}}});
  CAPTURE(row.text);
  CHECK(parse_dotenv(row.text, some_environment) == row.values);
}

TEST_CASE("references in braces are expanded, the environment first") {
  struct Case {
    std::string text, value;
  };
  const Case row = GENERATE(Case{"B=2\nA=x${B}y", "x2y"}, Case{"A=x${B}y\nB=2", "x2y"}, Case{"B=2\nA='${B}'", "2"},
                            Case{"B=2\nA=\"${B}${B}\"", "22"}, Case{"A=$B\nB=2", "$B"}, Case{"A=\\${B}\nB=2", "${B}"},
                            Case{"A=${FROM_ENV}", "outside"}, Case{"BOTH=file\nA=${BOTH}", "from the environment"},
                            Case{"C=3\nB=${C}${C}\nA=${B}", "33"}, Case{"A=${}", "${}"}, Case{"A=${B", "${B"},
                            Case{"A=${B-x}", "${B-x}"}, Case{"B=\nA=x${B}y", "xy"},
                            Case{"U=me\nP='p@ss'\nA=\"postgresql://${U}:${P}@h/app\"", "postgresql://me:p@ss@h/app"});
  CAPTURE(row.text);
  CHECK(dotenv_value(row.text, "A", some_environment) == row.value);
}

TEST_CASE("a reference to nothing, or in a circle, is refused") {
  const std::string text = GENERATE("A=${NOWHERE}", "A=${A}", "A=${B}\nB=${A}", "B=${NOWHERE}\nA=x${B}");
  CAPTURE(text);
  try {
    (void)parse_dotenv(text, some_environment);
    FAIL("it was taken");
  } catch (const belay::Error& error) {
    CHECK(error.kind == belay::Failure::usage);
  }
}

TEST_CASE("one variable can be read although another one refers to nothing") {
  const std::string text = "A=1\nB=${NOWHERE}\n";
  CHECK(dotenv_value(text, "A", some_environment) == "1");
  CHECK(dotenv_value(text, "C", some_environment) == std::nullopt);
  CHECK_THROWS_AS(dotenv_value(text, "B", some_environment), belay::Error);
}
