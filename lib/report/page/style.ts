// The look that all pages share: two palettes, one set of names.

const LIGHT =
  `--bg:#f6f7f9;--card:#fff;--fg:#1c2530;--muted:#5b6776;--line:#dde2e8;--accent:#0b62c4;--good:#1a7f4b;--warn:#9a6200;--bad:#c0322b;--grid:#e8ebef`;
const DARK =
  `--bg:#12161c;--card:#1b212a;--fg:#e6eaf0;--muted:#9aa7b6;--line:#2c3541;--accent:#6cb0ff;--good:#53c78a;--warn:#e0a63f;--bad:#ff7b72;--grid:#2a323d`;

/** Style of every page. */
export const BASE_STYLE: string = `
:root{${LIGHT}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${DARK}}}
:root[data-theme=dark]{${DARK}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1,h2,h3{line-height:1.25;margin:0}
h1{font-size:1.15rem}h2{font-size:1.05rem}h3{font-size:.95rem;font-weight:600}
a{color:var(--accent)}
button,input,select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.3rem .65rem}
button{cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-999px}.skip:focus{left:1rem;top:1rem;z-index:9;background:var(--card);padding:.5rem}
header.top{position:sticky;top:0;z-index:5;display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:center;padding:.6rem 1.2rem;background:var(--card);border-bottom:1px solid var(--line)}
header.top .space{flex:1}
.muted{color:var(--muted)}
.small{font-size:.85rem}
@media print{header.top{position:static}button,input{display:none}}
`;

/** Lets the reader choose between dark and light; the choice lasts while the page is open. */
export const THEME_SCRIPT = `
const themeButton=document.getElementById("theme");
themeButton.addEventListener("click",()=>{
  const root=document.documentElement;
  const dark=root.dataset.theme?root.dataset.theme==="dark":matchMedia("(prefers-color-scheme:dark)").matches;
  root.dataset.theme=dark?"light":"dark";
  themeButton.setAttribute("aria-pressed",String(!dark));
});
`;
