/** Of what is drawn, on a page and in a file of its own. */
export const chartStyle = `
svg text{font:12px system-ui,"DejaVu Sans",sans-serif;fill:#333}
svg .title{font-size:14px;font-weight:600;fill:#1b1b1b}svg .label{font-size:12.5px}
svg .tiny{font-size:10px}svg .tiny[fill="#ffffff"]{fill:#fff}
svg .end{text-anchor:end}svg .middle{text-anchor:middle}
svg .grid{stroke:#e4e4e4;stroke-width:1}svg .level{stroke:#1b1b1b;stroke-width:1.2;stroke-dasharray:6 4}
svg .interval{stroke-width:1;opacity:.3}svg .line{transition:opacity .15s}
`.trim();
