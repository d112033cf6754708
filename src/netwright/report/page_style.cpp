#include "netwright/report/page_style.h"

#include "netwright/report/plot.h"

namespace netwright {

std::string page_style() {
  return plot_style() + R"(:root {
  color-scheme: light dark;
  --paper: #f5f6f8; --card: #ffffff; --ink: #1c2530; --muted: #5a6672; --line: #e1e5ea; --accent: #1f5fbf;
  --good: #0b7a5c; --warn: #a35200; --bad: #b3261e;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1318; --card: #171c23; --ink: #e8ecf1; --muted: #a3afbd; --line: #2a323d; --accent: #7fb3ff;
    --good: #3fd0a8; --warn: #ffb469; --bad: #ff8a80;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: break-word;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 60px; }
header h1 { margin: 0; font-size: 30px; line-height: 1.2; }
header p { margin: 6px 0 0; color: var(--muted); }
.badge { display: inline-block; padding: 1px 10px; border-radius: 99px; border: 1px solid currentColor; font-size: 13px;
  vertical-align: 6px; margin-left: 8px; font-weight: 500; color: var(--muted); }
.badge.complete { color: var(--good); } .badge.failed { color: var(--bad); }
section, .headline { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 20px 22px;
  margin-top: 18px; }
h2 { font-size: 18px; margin: 0 0 12px; } h3 { font-size: 15px; margin: 18px 0 6px; }
.headline p.result { font-size: 20px; line-height: 1.45; margin: 0; }
.headline p.sample { margin: 8px 0 0; color: var(--muted); }
.headline { border-left: 5px solid var(--accent); }
.headline.better { border-left-color: var(--good); } .headline.worse { border-left-color: var(--bad); }
.headline.open { border-left-color: var(--warn); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(136px, 1fr)); gap: 12px; margin-top: 18px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 12px 14px; }
.tile .label, .tile .detail { color: var(--muted); font-size: 13px; } .tile .value { font-size: 21px; font-weight: 600; white-space: nowrap; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 22px 28px; }
.pair > :only-child { max-width: 620px; } .note + figure, .note + .pair, section > figure + figure { margin-top: 22px; }
figure { margin: 0; min-width: 0; } figcaption { margin-bottom: 8px; } figcaption span { color: var(--muted); }
figure.narrow { max-width: 620px; margin: 0 auto; }
img.network { display: block; max-width: 100%; height: auto; margin: 0 auto; }
p.sign { border-left: 4px solid var(--bad); padding-left: 12px; margin: 0 0 10px; }
p.note { color: var(--muted); font-size: 14px; margin: 12px 0 0; } p:first-child { margin-top: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th { text-align: left; color: var(--muted); font-weight: 500; white-space: nowrap; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.right { text-align: right; white-space: nowrap; }
td.right { white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; }
.choice { display: inline-block; margin: 0 10px 0 0; font-size: 13px; overflow-wrap: anywhere; }
.choice i { font-style: normal; color: var(--muted); }
.run { white-space: nowrap; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 6px; }
.swatch.retrain { background: var(--p-retrained); } .swatch.baseline { background: var(--p-baseline); }
dl { display: grid; grid-template-columns: minmax(110px, max-content) 1fr; gap: 4px 18px; margin: 0; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; overflow-x: auto;
  font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; margin: 8px 0 0; }
summary { cursor: pointer; color: var(--accent); } details { margin-top: 12px; }
a { color: var(--accent); }
footer { color: var(--muted); font-size: 13px; margin-top: 22px; }
@media (max-width: 640px) {
  main { padding: 18px 12px 40px; } section, .headline { padding: 16px 14px; } .headline p.result { font-size: 18px; }
}
@media (max-width: 460px) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; } }
@media print {
  body { background: #ffffff; font-size: 11pt; } main { max-width: none; padding: 0; }
  section, .tile, figure, tr { break-inside: avoid; } section, .headline, .tile { border-color: #cccccc; }
  pre { white-space: pre-wrap; }
}
)";
}

}  // namespace netwright
