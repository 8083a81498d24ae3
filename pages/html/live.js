// Follows a running job. Everything is on the page without it, as of when it was loaded.
"use strict";
const live = document.querySelector(".live");
if (live) {
  const id = live.dataset.job, log = document.getElementById("log"), say = document.getElementById("progress"), bar = document.getElementById("bar");
  const source = new EventSource("/v1/jobs/" + id + "/events");
  say.textContent = "live";
  const add = (kind, e) => {
    const at = new Date(e.at).toISOString().slice(11, 19), row = document.createElement("li"), head = document.createElement("span");
    head.className = "soft";
    head.textContent = at + " " + kind + " ";
    row.append(head, typeof e.data === "string" ? e.data : JSON.stringify(e.data));
    log.prepend(row);
  };
  const last = Number(live.dataset.last);
  for (const kind of ["state", "epoch", "say"]) {
    source.addEventListener(kind, (m) => {
      const e = JSON.parse(m.data);
      if (e.id > last) add(kind, e);
    });
  }
  source.addEventListener("progress", (m) => {
    const p = JSON.parse(m.data).data;
    say.textContent = p.what + ": " + p.done.toLocaleString("en") + (p.total ? " of " + p.total.toLocaleString("en") : "") + " " + p.unit;
    if (p.total) bar.value = p.done / p.total; else bar.removeAttribute("value");
  });
  source.addEventListener("end", () => { source.close(); location.reload(); });
  const cancel = document.getElementById("cancel");
  cancel.hidden = false;
  cancel.addEventListener("click", async () => {
    cancel.disabled = true;
    const r = await fetch("/v1/jobs/" + id, { method: "DELETE" });
    if (!r.ok) { say.textContent = "the job was not cancelled: " + r.status; cancel.disabled = false; }
  });
}
