import { chartStyle } from "./chart-style.ts";

/** Of the whole report. A policy under the pointer in a legend is brought out in the charts beside it. */
export function reportStyle(classNames: readonly string[]): string {
  const brought = classNames.map(
    (name) => `section:has(.legend .${name}:hover) .line:not(.${name}){opacity:.08}`,
  );
  return `
:root{color-scheme:light}
body{margin:0 auto;padding:24px 28px 64px;max-width:1240px;background:#fff;color:#1b1b1b;font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:26px;margin:0 0 4px}h2{font-size:20px;margin:40px 0 6px}
p.note{font-size:13px;color:#5c5c5c;max-width:110ch}
p{max-width:78ch;margin:6px 0}
code{font:13px/1.5 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:14px 0;font-size:14px}
dt{color:#5c5c5c}dd{margin:0}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(480px,1fr));gap:14px 20px}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(500px,1fr));gap:24px;align-items:start}
svg{width:100%;height:auto;display:block}
${chartStyle}
.small.maps{grid-template-columns:repeat(auto-fit,minmax(300px,1fr))}
.tables .scroll{width:fit-content;max-width:100%}.tables th,.tables td{white-space:normal;max-width:300px}
h3{font-size:15px;margin:14px 0 2px}
figure{margin:12px 0}figcaption{font-size:14px;font-weight:600;margin:0 0 6px}
.charts figure{max-width:640px}li{max-width:78ch}details{font-size:13px;color:#5c5c5c;margin:10px 0}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:10px 0 8px;padding:0;list-style:none;font-size:14px}
.legend li{display:flex;align-items:center;gap:6px;cursor:default}.legend svg{width:46px;height:14px}
.ramp{display:flex;align-items:center;gap:8px;font-size:13px;margin:8px 0}
.ramp i{width:180px;height:12px;display:inline-block}
.scroll{overflow-x:auto;border:1px solid #ddd;border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:12.5px;font-variant-numeric:tabular-nums;white-space:nowrap}
th,td{padding:3px 9px;text-align:right;border-bottom:1px solid #eee}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:#fff}
th.text,td.text{text-align:left}
thead th{background:#f6f6f6;border-bottom:1px solid #ccc;font-weight:600}
thead th:first-child{background:#f6f6f6}tr.random td{background:#f3f3f3}small{color:#5c5c5c}
.better{color:#005a8c;font-weight:600}.worse{color:#a64300;font-weight:600}.same{color:#6b6b6b}
${brought.join("\n")}
@media print{.scroll{overflow:visible}}
`.trim();
}
