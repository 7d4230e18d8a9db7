#include "app/report/style.hpp"

namespace sigillo::report {

std::string_view report_style() {
  return R"CSS(
:root{color-scheme:light dark;--paper:#ffffff;--ground:#f4f2ee;--ink:#1c1b19;--soft:#5b5851;--rule:#d9d4ca;--link:#0b4f9e;
--pass:#14632c;--fail:#a31621;--unsure:#8a4600;--due:#0b4f9e;--none:#5b5851;--judge:#5f35a6;--code:#f4f2ee;--bar:#2f6f4f}
@media (prefers-color-scheme:dark){:root{--paper:#1b1c1e;--ground:#121315;--ink:#eceae6;--soft:#aeaaa2;--rule:#3a3b3f;--link:#8fc1ff;
--pass:#6fd68a;--fail:#ff8d86;--unsure:#efb35a;--due:#8fc1ff;--none:#aeaaa2;--judge:#cdb1ff;--code:#26272a;--bar:#6fb892}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
a{color:var(--link)}
.skip{position:absolute;left:-999px}
.skip:focus{left:16px;top:8px;background:var(--paper);padding:8px 12px;z-index:1}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:2px}
main,footer{max-width:1020px;margin:0 auto;padding:0 24px}
.front{background:var(--paper);border-bottom:1px solid var(--rule);padding:26px 0 24px}
.front>div{max-width:1020px;margin:0 auto;padding:0 24px}
.kicker{display:flex;flex-wrap:wrap;justify-content:space-between;gap:2px 24px;margin:0 0 16px;color:var(--soft);font-size:14px}
h1{font:600 32px/1.22 Charter,"Bitstream Charter","Iowan Old Style",Georgia,"DejaVu Serif",serif;letter-spacing:-.01em;margin:0 0 8px;max-width:26em;text-wrap:balance}
.verdict{display:grid;grid-template-columns:52px 1fr;gap:18px;align-items:start}
.verdict .seal{width:52px;height:52px;margin-top:3px}
.lede{margin:0;color:var(--soft);max-width:44em}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:14px 32px;margin:22px 0 0;padding:18px 0 0;border-top:1px solid var(--rule)}
.facts div{min-width:0}
dt{font-size:13px;color:var(--soft)}
dd{margin:1px 0 0;overflow-wrap:anywhere}
code,.hash{font:13px/1.5 ui-monospace,"SF Mono",Menlo,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.counts{margin:22px 0 0}
.counts>svg{display:block;width:100%;height:14px;border-radius:7px;overflow:hidden}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;list-style:none;margin:10px 0 0;padding:0;font-size:15px}
.legend b{font-variant-numeric:tabular-nums}
.shape{width:15px;height:15px;vertical-align:-2px;margin-right:6px;flex:none}
.s-pass{color:var(--pass)}.s-fail{color:var(--fail)}.s-error,.s-no_evidence{color:var(--unsure)}.s-not_yet_due{color:var(--due)}
.s-not_applicable,.s-waived{color:var(--none)}.s-manual{color:var(--judge)}
.f-pass{fill:var(--pass)}.f-fail{fill:var(--fail)}.f-error,.f-no_evidence{fill:var(--unsure)}.f-not_yet_due{fill:var(--due)}
.f-not_applicable,.f-waived{fill:var(--none)}.f-manual{fill:var(--judge)}
.status{font-weight:650;white-space:nowrap}
section{margin:44px 0}
h2{font:600 23px/1.3 Charter,"Bitstream Charter","Iowan Old Style",Georgia,"DejaVu Serif",serif;margin:0 0 6px}
h3{font-size:17px;line-height:1.35;margin:30px 0 8px}
h4{font-size:16px;line-height:1.4;margin:0}
.hint{color:var(--soft);margin:0 0 16px;max-width:46em}
.card{background:var(--paper);border:1px solid var(--rule);border-radius:8px;padding:16px 18px;margin:0 0 12px;overflow-wrap:anywhere}
.rule-head{display:flex;flex-wrap:wrap;gap:2px 14px;align-items:baseline;justify-content:space-between}
.rule-meta{font-size:14px;color:var(--soft);margin:4px 0 10px}
.todo{border-left:3px solid var(--unsure);padding:2px 0 2px 12px;margin:12px 0 0;font-size:15px}
.claim{display:inline-block;font-size:13px;line-height:1.4;border:1px solid var(--soft);border-radius:3px;padding:0 6px;margin-right:5px;color:var(--ink);white-space:nowrap}
.c-measured{border-width:2px}.c-recorded{border-style:solid}.c-asserted{border-style:dashed}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:15px}
th,td{text-align:left;vertical-align:top;padding:7px 14px 7px 0;border-top:1px solid var(--rule)}
thead th{border-top:0;font-size:13px;font-weight:500;color:var(--soft)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;padding-right:20px}
tbody th{font-weight:600}
.rows tbody th{width:20%}.card .rows td:nth-child(3){width:48%}.rows td:last-child{overflow-wrap:normal}
details{margin:0 0 12px}
summary{cursor:pointer;padding:8px 2px;color:var(--ink)}
.times{list-style:none;margin:0;padding:0 0 0 22px;border-left:2px solid var(--rule)}
.times>li{position:relative;padding:0 0 20px}
.times>li::before{content:"";position:absolute;left:-29px;top:6px;width:12px;height:12px;border-radius:50%;background:var(--ground);border:2px solid var(--soft)}
.times>li.past::before{background:var(--soft)}
.times>li.now::before{border-radius:1px;transform:rotate(45deg);background:var(--due);border-color:var(--due)}
.times time{font-weight:650}
.times ul{margin:2px 0 0;padding-left:18px}
.plain{padding-left:20px;max-width:48em}
.plain li{margin:0 0 7px}
.check{padding:12px 16px;border-radius:8px;border:1px solid var(--rule);background:var(--paper);margin:0 0 12px}
.check:empty{display:none}
.check.ok{border:2px solid var(--pass)}.check.bad{border:3px solid var(--fail);font-weight:650}
.chart{background:var(--paper);border:1px solid var(--rule);border-radius:8px;padding:14px;margin:0 0 12px;overflow-x:auto}
.chart svg{display:block;width:100%;height:auto}
.chart.lineage svg{min-width:720px}
.chart.fluid svg{min-width:520px}
.h-bar{fill:var(--bar)}.h-over{fill:var(--fail)}.h-axis{stroke:var(--soft);stroke-width:1}.h-line{stroke:var(--ink);stroke-width:2;stroke-dasharray:5 3}
.chart text{fill:var(--ink);font:12px system-ui,"DejaVu Sans",sans-serif}.chart .h-soft{fill:var(--soft)}
.lin-kind,.lin-head{fill:var(--soft)!important;font-size:11px!important}.lin-name{font-size:14px!important;font-weight:600!important}
.lin-box{fill:var(--paper);stroke:var(--soft)}.lin-gap .lin-box{stroke:var(--unsure);stroke-width:2;stroke-dasharray:5 3}
.lin-gap .lin-fact{fill:var(--unsure)}.lin-mark{fill:var(--unsure)}.lin-line{fill:none;stroke:var(--soft);stroke-width:1.5}.lin-tip{fill:var(--soft)}
.lin-dataset{fill:var(--due)}.lin-run{fill:var(--judge)}.lin-release{fill:var(--pass)}.lin-outputs{fill:var(--none)}.lin-system{fill:var(--unsure)}
footer{padding-top:20px;padding-bottom:48px;color:var(--soft);font-size:14px;border-top:1px solid var(--rule)}
@media (max-width:600px){h1{font-size:25px}.verdict{grid-template-columns:34px 1fr;gap:12px}.verdict .seal{width:34px;height:34px}
main,footer,.front>div{padding-left:16px;padding-right:16px}.facts{grid-template-columns:1fr}section{margin:34px 0}
.rows thead{position:absolute;left:-9999px}.rows tr,.rows th,.rows td{display:block;border:0;padding:1px 0}.rows tr{border-top:1px solid var(--rule);padding:8px 0}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{:root{color-scheme:light;--paper:#fff;--ground:#fff;--ink:#000;--soft:#444;--rule:#bbb;--link:#000;--pass:#14632c;--fail:#a31621;--unsure:#8a4600;
--due:#0b4f9e;--none:#444;--judge:#5f35a6;--bar:#2f6f4f}body{font-size:11pt}.skip,.check{display:none}section{margin:24px 0}
.card,.chart,.times li,tr{break-inside:avoid}h2,h3,h2+p,summary{break-after:avoid}.chart.lineage svg,.chart.fluid svg{min-width:0}main,footer,.front>div{max-width:none;padding:0}
details::details-content{content-visibility:visible;display:block}.times{margin-left:8px}@page{margin:16mm}}
)CSS";
}

}  // namespace sigillo::report
