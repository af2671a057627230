// The look of galleries.

/** Style of galleries, on top of that of all pages. */
export const GALLERY_STYLE: string = `
nav{display:flex;flex-wrap:wrap;gap:.2rem .9rem;padding:.6rem 1.2rem 0;font-size:.9rem}
main{padding:.4rem 1.2rem 3rem}
section{margin-top:1.1rem;scroll-margin-top:4rem}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(360px,1fr));gap:1rem;margin-top:.5rem;align-items:start}
.card,.metrics{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem;margin:0}
.wide{grid-column:1/-1}
.metrics table{border-spacing:0;font-variant-numeric:tabular-nums;width:100%;margin-top:.4rem}
.metrics th{text-align:left;font-weight:normal;color:var(--muted);padding:.15rem 1rem .15rem 0;overflow-wrap:anywhere}
.metrics td{text-align:right}
.view{display:block;width:100%;padding:0;margin-top:.5rem;border:0;background:none;cursor:zoom-in}
.view img,.view svg{display:block;width:100%;height:auto;max-height:320px;object-fit:contain;margin:auto}
.view img{background:#fff;border-radius:4px}
.note{margin:.6rem 0 0;padding:.6rem .8rem;border-left:3px solid var(--warn);background:var(--bg);overflow-wrap:anywhere}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:1rem;margin-top:.4rem}
canvas.difference{width:100%;max-height:320px;object-fit:contain;border-radius:4px;background:#fff}
summary{cursor:pointer;display:flex;gap:.8rem;align-items:baseline;flex-wrap:wrap}
dialog{width:min(96vw,1300px);max-height:94vh;border:1px solid var(--line);border-radius:12px;background:var(--card);color:var(--fg)}
dialog::backdrop{background:rgba(0,0,0,.55)}
dialog img,dialog svg,dialog canvas{width:100%;height:auto;max-height:82vh;object-fit:contain;margin-top:.6rem}
dialog img{background:#fff}
[hidden]{display:none!important}
@media print{.card{break-inside:avoid}nav{display:none}}
`;
