// How report.html looks: on a screen up to 1120 px wide, on A4 without the links, and never cut through a row.
#pragma once
#include <string_view>

namespace belay {

inline constexpr std::string_view report_style = R"css(
:root { color-scheme: light; --ink: #1c2430; --quiet: #5a6675; --line: #dfe4ea; --soft: #f5f7f9; --good: #1a7f4b; --warning: #9a5b00;
  --bad: #b3261e; --neutral: #4a5868; --link: #1b5faa; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #fff; color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 32px 56px; }
h1 { font-size: 25px; line-height: 1.25; margin: 2px 0 4px; font-weight: 650; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 38px 0 10px; padding-bottom: 5px; border-bottom: 2px solid var(--ink); font-weight: 650; break-after: avoid; }
h3 { font-size: 15px; margin: 24px 0 6px; font-weight: 650; overflow-wrap: anywhere; break-after: avoid; }
p { margin: 6px 0; overflow-wrap: anywhere; }
a { color: var(--link); }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .88em; }
code { background: var(--soft); border-radius: 3px; padding: 1px 4px; overflow-wrap: anywhere; unicode-bidi: isolate; white-space: pre-wrap;
  -webkit-box-decoration-break: clone; box-decoration-break: clone; }
pre { margin: 10px 0; padding: 10px 12px; background: #fff; border: 1px solid var(--line); border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
.over { color: var(--quiet); font-size: 13px; margin: 0; letter-spacing: .02em; }
.quiet { color: var(--quiet); }
.small { font-size: 13px; }
nav { margin: 18px 0 0; font-size: 13.5px; color: var(--quiet); }
nav a { margin-right: 14px; text-decoration: none; white-space: nowrap; }
nav a:hover { text-decoration: underline; }

.banner { margin: 18px 0 0; padding: 16px 20px 16px; border: 1px solid; border-left-width: 8px; border-radius: 6px; }
.banner .state { font-size: 19px; font-weight: 700; margin: 0; }
.banner .words { font-size: 16px; margin: 4px 0 0; }
.banner .next { margin: 12px 0 0; padding-top: 10px; border-top: 1px solid rgba(0, 0, 0, .12); }
.banner.good { background: #effaf3; border-color: var(--good); } .banner.good .state { color: var(--good); }
.banner.warning { background: #fff8ec; border-color: #c77d0a; } .banner.warning .state { color: #8a5200; }
.banner.bad { background: #fdf1f0; border-color: var(--bad); } .banner.bad .state { color: var(--bad); }
.banner.neutral { background: var(--soft); border-color: #7b8794; } .banner.neutral .state { color: var(--neutral); }

.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 10px 24px; margin: 16px 0 0; }
.facts div { min-width: 0; }
.facts dt { color: var(--quiet); font-size: 12.5px; }
.facts dd { margin: 0; overflow-wrap: anywhere; font-weight: 550; }

table { width: 100%; border-collapse: collapse; margin: 8px 0 4px; font-size: 14px; }
th { text-align: left; font-weight: 600; font-size: 12.5px; color: var(--quiet); padding: 4px 12px 4px 0; border-bottom: 1px solid #b9c2cc; vertical-align: bottom; }
td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th:last-child, td:last-child { padding-right: 0; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
thead, tbody tr:first-child { break-after: avoid; }
.num, .line { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.line { color: var(--quiet); width: 46px; }
.num { width: 84px; }
.mark { white-space: nowrap; width: 128px; }
.key { width: 210px; font-weight: 550; }
.wide { width: 40%; } .where { width: 34%; }
.bars { width: 132px; }
td.bars svg { display: block; margin-top: 3px; width: 120px; height: 16px; }
td p:first-child { margin-top: 0; } td p:last-child { margin-bottom: 0; }
.tag { font-weight: 650; white-space: nowrap; }
.tag.good { color: var(--good); } .tag.warning { color: var(--warning); } .tag.bad { color: var(--bad); } .tag.neutral { color: var(--neutral); }
ul.sub { list-style: none; margin: 3px 0 0; padding: 0; font-size: 13px; color: var(--quiet); }
ul.sub li { padding-left: 14px; text-indent: -14px; } ul.sub li::before { content: "·"; display: inline-block; width: 14px; text-indent: 0; }
ul.sub .hard { color: var(--ink); }
ol, ul { margin: 6px 0; padding-left: 24px; } li { margin: 4px 0; overflow-wrap: anywhere; }
.legend { font-size: 13px; color: var(--quiet); }
.swatch { display: inline-block; width: 22px; height: 9px; margin: 0 5px 0 10px; vertical-align: 1px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.swatch:first-child { margin-left: 0; }
.swatch.rehearsed { border: 1px solid #51627a; background: #fff; } .swatch.actual { background: #2b5c94; }

svg.locks { display: block; width: 100%; height: auto; margin: 10px 0 2px; break-inside: avoid; }
svg.locks text { font-family: system-ui, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; fill: #1c2430; font-size: 12px; }
svg.locks .table { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12.5px; }
svg.locks .mode { fill: #5a6675; font-size: 11.5px; } svg.locks .name { fill: #5a6675; font-size: 11px; }
svg.locks .scale { fill: #5a6675; text-anchor: middle; font-size: 11.5px; } svg.locks .held { font-weight: 600; }
svg.locks .span { fill: #f7f9fb; } svg.locks .span.dark { fill: #eef2f6; } svg.locks .edge { stroke: #9aa7b5; }
svg.locks .tick { stroke: #d3dae2; } svg.locks .row { stroke: #dfe4ea; }
svg.locks .everybody { fill: #b3261e; } svg.locks .writers { fill: url(#hatch); stroke: #b86e00; }
svg.locks .changes { fill: #fff; stroke: #51627a; stroke-width: 1.5; }
footer { margin-top: 44px; padding-top: 10px; border-top: 1px solid var(--line); font-size: 12.5px; color: var(--quiet); overflow-wrap: anywhere; }

@media (max-width: 700px) { main { padding: 18px 14px 40px; } .bars { display: none; } .key { width: auto; } table { font-size: 13px; } }
@page { size: A4; margin: 14mm 13mm 15mm; }
@media print {
  body { font-size: 10.5px; line-height: 1.42; } main { max-width: none; padding: 0; } nav { display: none; }
  h1 { font-size: 18px; } h2 { font-size: 13.5px; margin: 20px 0 6px; padding-bottom: 3px; border-bottom-width: 1.5px; } h3 { font-size: 11.5px; margin: 14px 0 4px; }
  table, .facts, .banner .words { font-size: 10px; } th, .facts dt, .legend, .small, ul.sub, footer, .over { font-size: 9px; }
  .banner .state { font-size: 14px; } .banner .words { font-size: 11.5px; } .banner { padding: 10px 14px; break-inside: avoid; }
  .facts { grid-template-columns: repeat(3, 1fr); gap: 6px 14px; margin-top: 10px; }
  td { padding: 3.5px 9px 3.5px 0; } .num { width: 66px; } .line { width: 34px; } .mark { width: 88px; } .key { width: 140px; }
  .bars { width: 92px; } td.bars svg { width: 84px; height: 12px; margin-top: 1px; }
  .banner, svg, code, .swatch { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  #rows, #put-back, #rope, #verified, #way-back, #confirmed, #environment { break-inside: avoid; }
  p { orphans: 3; widows: 3; } li, .facts { break-inside: avoid; } pre { padding: 6px 8px; } a { color: inherit; text-decoration: none; }
}
)css";

}  // namespace belay
