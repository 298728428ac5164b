#include "client/table.h"

#include <gtest/gtest.h>

#include "tests/client/world.h"

namespace carbond::client {
namespace {

Table Jobs() {
  Table table({{"ID", Table::Align::kRight},
               {"NAME", Table::Align::kLeft, true},
               {"STATE"}});
  table.Add({"7", "größer", "waiting"});
  table.Add({"12", "a name that is rather long", ""});
  return table;
}

TEST(Table, IsJustWideEnough) {
  EXPECT_EQ(Jobs().Render(kPlainUnicode),
            "ID  NAME                        STATE\n"
            " 7  größer                      waiting\n"
            "12  a name that is rather long  -\n");
}

TEST(Table, CutsElasticColumnsOnATerminalOnly) {
  Look terminal{.unicode = true, .trim = true, .width = 30};
  EXPECT_EQ(Jobs().Render(terminal),
            "ID  NAME               STATE\n"
            " 7  größer             waiting\n"
            "12  a name that is r…  -\n");
}

TEST(Table, ShowsNoControlCharacters) {
  Table table({{"NAME"}});
  table.Add(
      {"a\x1b[31mb\nc\xc2\x9b"
       "d"});
  EXPECT_EQ(table.Render(kPlainUnicode), "NAME\na?[31mb c?d\n");
}

TEST(Console, FindsUnicodeInTheLocale) {
  for (const char* locale : {"C.UTF-8", "en_GB.utf8", "de_DE.UTF-8@euro"}) {
    EXPECT_TRUE(LookOf(-1, {.locale = locale}, false).unicode) << locale;
  }
  for (const char* locale : {"", "C", "POSIX", "de_DE.ISO-8859-1"}) {
    EXPECT_FALSE(LookOf(-1, {.locale = locale}, false).unicode) << locale;
  }
  EXPECT_FALSE(LookOf(-1, {.locale = "C.UTF-8"}, true).unicode);
  EXPECT_FALSE(
      LookOf(-1, {.locale = "C.UTF-8", .term = "dumb"}, false).unicode);
}

TEST(Console, TakesTheWidthFromColumns) {
  EXPECT_EQ(LookOf(-1, {.columns = "132"}, false).width, 132);
  EXPECT_EQ(LookOf(-1, {}, false).width, 80);
  EXPECT_EQ(LookOf(-1, {.columns = "wide"}, false).width, 80);
  EXPECT_EQ(LookOf(-1, {.columns = "3"}, false).width, 40);
}

TEST(Console, HasNoColourInAPipe) {
  EXPECT_FALSE(LookOf(-1, {.term = "xterm-256color"}, false).colour);
}

}  // namespace
}  // namespace carbond::client
