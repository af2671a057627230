// What the graph page does in the reader's browser: move, zoom, choose, find. Plain JavaScript in a text, named by its digest in the
// page's policy.

/** Script of the graph page. */
export const DAG_SCRIPT: string = `
const stages=JSON.parse(document.getElementById("stages").textContent);
const graph=document.getElementById("graph"),details=document.getElementById("details");
const whole={x:-20,y:-20,w:Number(graph.dataset.width),h:Number(graph.dataset.height)};
let box={...whole};
const apply=()=>graph.setAttribute("viewBox",[box.x,box.y,box.w,box.h].join(" "));
const zoom=(by,px,py)=>{
  const w=Math.min(whole.w*2,Math.max(200,box.w*by)),h=w*box.h/box.w;
  box={x:box.x+(box.w-w)*px,y:box.y+(box.h-h)*py,w,h};apply();
};
graph.addEventListener("wheel",event=>{
  event.preventDefault();
  const r=graph.getBoundingClientRect();
  zoom(event.deltaY>0?1.15:.87,(event.clientX-r.left)/r.width,(event.clientY-r.top)/r.height);
},{passive:false});
let drag;
graph.addEventListener("pointerdown",event=>{drag={x:event.clientX,y:event.clientY,box,moved:false};});
graph.addEventListener("pointermove",event=>{
  if(!drag)return;
  const r=graph.getBoundingClientRect(),scale=Math.max(drag.box.w/r.width,drag.box.h/r.height);
  const dx=event.clientX-drag.x,dy=event.clientY-drag.y;
  if(Math.abs(dx)+Math.abs(dy)>3)drag.moved=true;
  if(drag.moved){box={...drag.box,x:drag.box.x-dx*scale,y:drag.box.y-dy*scale};apply();}
});
addEventListener("pointerup",()=>{if(drag&&drag.moved)setTimeout(()=>{drag=undefined;});else drag=undefined;});
document.getElementById("fit").addEventListener("click",()=>{box={...whole};apply();choose(undefined);});
const down={};
for(const [name,stage] of Object.entries(stages))for(const up of stage.upstream)(down[up]??=[]).push(name);
const reach=(start,next)=>{
  const seen=new Set([start]),open=[start];
  while(open.length)for(const each of next(open.pop()))if(!seen.has(each)){seen.add(each);open.push(each);}
  return seen;
};
const element=(tag,text,className)=>{const e=document.createElement(tag);e.textContent=text;if(className)e.className=className;return e;};
const choose=name=>{
  for(const e of graph.querySelectorAll(".near,.chosen"))e.classList.remove("near","chosen");
  const stage=stages[name];
  graph.classList.toggle("some",stage!==undefined);
  if(!stage){details.replaceChildren(element("p","Choose a stage to see why it would run, and what it reads and makes.","muted"));return;}
  const ups=reach(name,each=>stages[each]?stages[each].upstream:[]),downs=reach(name,each=>down[each]||[]);
  for(const e of graph.querySelectorAll(".stage")){
    if(ups.has(e.dataset.name)||downs.has(e.dataset.name))e.classList.add("near");
    if(e.dataset.name===name)e.classList.add("chosen");
  }
  for(const e of graph.querySelectorAll(".edge")){
    const {from,to}=e.dataset;
    if((ups.has(from)&&ups.has(to))||(downs.has(from)&&downs.has(to)))e.classList.add("near");
  }
  const badge=element("b",stage.statusText,"badge "+stage.status);
  const parts=[element("h2",name),badge,element("p",stage.reason)];
  if(stage.took)parts.push(element("p","last took "+stage.took,"muted"));
  for(const [heading,items] of Object.entries(stage.details)){
    if(!items.length)continue;
    const list=document.createElement("ul");
    for(const item of items)list.append(element("li",item));
    parts.push(element("h3",heading),list);
  }
  details.replaceChildren(...parts);
};
graph.addEventListener("click",event=>{
  if(drag&&drag.moved)return;
  const stage=event.target.closest(".stage");
  choose(stage?stage.dataset.name:undefined);
});
const order=[...graph.querySelectorAll(".stage")];
graph.addEventListener("keydown",event=>{
  const stage=event.target.closest(".stage");
  if(!stage)return;
  const name=stage.dataset.name;
  if(event.key==="Enter"||event.key===" "){event.preventDefault();choose(name);return;}
  if(event.key==="Escape"){choose(undefined);return;}
  const target=event.key==="ArrowRight"?(down[name]||[])[0]:event.key==="ArrowLeft"?stages[name].upstream[0]:undefined;
  const step={ArrowDown:1,ArrowUp:-1}[event.key];
  const next=target?order.find(e=>e.dataset.name===target):step?order[order.indexOf(stage)+step]:undefined;
  if(next){event.preventDefault();next.focus();show(next);}
});
const show=e=>{
  const m=e.transform.baseVal.consolidate().matrix;
  if(m.e<box.x||m.f<box.y||m.e+190>box.x+box.w||m.f+58>box.y+box.h){
    const w=Math.min(whole.w,Math.max(700,box.w)),h=w*box.h/box.w;
    box={x:m.e+95-w/2,y:m.f+29-h/2,w,h};apply();
  }
};
document.getElementById("find").addEventListener("input",event=>{
  const text=event.target.value.toLowerCase();
  const found=text&&(order.find(e=>e.dataset.name.toLowerCase()===text)||order.find(e=>e.dataset.name.toLowerCase().includes(text)));
  if(found){choose(found.dataset.name);const m=found.transform.baseVal.consolidate().matrix;const w=Math.min(whole.w,900),h=w*whole.h/whole.w;
    if(whole.w>1200){box={x:m.e+95-w/2,y:m.f+29-h/2,w,h};apply();}}
  else choose(undefined);
});
`;
