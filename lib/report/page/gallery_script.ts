// What a gallery does in the reader's browser: filter, enlarge, move by arrow keys, compare pictures. Plain JavaScript in a text,
// so that the page's policy can name it by digest.

/** Script of galleries. */
export const GALLERY_SCRIPT: string = `
const cards=[...document.querySelectorAll(".card")];
const views=()=>[...document.querySelectorAll(".view")].filter(each=>each.offsetParent!==null);
document.getElementById("filter").addEventListener("input",event=>{
  const words=event.target.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for(const section of document.querySelectorAll("section")){
    let shown=0;
    for(const card of section.querySelectorAll(".card")){
      const name=(section.dataset.name+" "+card.dataset.name).toLowerCase();
      card.hidden=!words.every(word=>name.includes(word));
      if(!card.hidden)shown++;
    }
    section.hidden=shown===0&&words.length>0;
  }
});
const large=document.getElementById("large");
const enlarge=view=>{
  const copy=view.firstElementChild.cloneNode(true);
  large.lastElementChild.replaceChildren(copy);
  large.showModal();
};
document.addEventListener("click",event=>{
  const view=event.target.closest(".view");
  if(view)enlarge(view);
  else if(event.target===large)large.close();
});
document.addEventListener("keydown",event=>{
  if(large.open||!event.target.matches||!event.target.matches(".view"))return;
  const step={ArrowRight:1,ArrowDown:1,ArrowLeft:-1,ArrowUp:-1}[event.key];
  if(!step)return;
  const all=views();
  const next=all[all.indexOf(event.target)+step];
  if(next){event.preventDefault();next.focus();next.scrollIntoView({block:"nearest"});}
});
const pixels=image=>{
  const canvas=document.createElement("canvas");
  canvas.width=image.naturalWidth;canvas.height=image.naturalHeight;
  const context=canvas.getContext("2d",{willReadFrequently:true});
  context.fillStyle="#fff";context.fillRect(0,0,canvas.width,canvas.height);
  context.drawImage(image,0,0);
  return context.getImageData(0,0,canvas.width,canvas.height);
};
const showDifference=async canvas=>{
  const [before,now]=canvas.closest(".sides").querySelectorAll("img");
  before.loading=now.loading="eager";
  await Promise.all([before.decode(),now.decode()]);
  const output=canvas.parentElement.querySelector("output");
  if(before.naturalWidth!==now.naturalWidth||before.naturalHeight!==now.naturalHeight){
    output.textContent="(other size: "+before.naturalWidth+"\\u00d7"+before.naturalHeight+" and "+now.naturalWidth+"\\u00d7"+now.naturalHeight+")";
    canvas.hidden=true;
    return;
  }
  const a=pixels(before),b=pixels(now);
  canvas.width=a.width;canvas.height=a.height;
  let differing=0;
  for(let at=0;at<a.data.length;at+=4){
    const far=Math.max(Math.abs(a.data[at]-b.data[at]),Math.abs(a.data[at+1]-b.data[at+1]),Math.abs(a.data[at+2]-b.data[at+2]),Math.abs(a.data[at+3]-b.data[at+3]));
    if(far>8)differing++;
    const grey=255-(255-(b.data[at]+b.data[at+1]+b.data[at+2])/3)*.25;
    b.data.set(far>8?[215,40,60,255]:[grey,grey,grey,255],at);
  }
  canvas.getContext("2d").putImageData(b,0,0);
  output.textContent="("+(100*differing/(a.width*a.height)).toFixed(2)+" %)";
};
for(const canvas of document.querySelectorAll("canvas.difference"))showDifference(canvas).catch(()=>{canvas.hidden=true;canvas.parentElement.querySelector("output").textContent="(cannot be compared)";});
`;
